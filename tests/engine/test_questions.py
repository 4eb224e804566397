"""What kind of question the offline reader is asked."""

import pytest

from groundwork.engine.questions import kind_of_question

FACTS = """\
What is the default page size?
When was the lighthouse built?
How many keepers were there?
How long are backups kept?
How often does a full backup run?
how large may a database get
How heavy is the widget?
How far is it from the coast?
Which languages does it support?
Is WAL mode available over a network?
default page size
Who lit the lamp, and when?
Please tell me how many tickets are open.
Can I restore a backup?
What does SQLITE_BUSY mean?
What is the name of the last keeper?
42
?
der page_size
No.
Where is Cape Orrin?"""

EXPLAINED = """\
Why is the lamp automatic?
How do I restore a backup?
how does WAL work
How can I speed up an import?
But why?
Explain the checkpoint.
Please describe the schedule.
Compare WAL and rollback journals.
What is the difference between WAL and DELETE?
How does a VIEW differ from a TABLE?
WAL versus rollback: which?
What are the pros and cons of WAL?
Summarise the page on backups.
Walk me through a restore.
Tell me why it is slow.
I wonder why the tower leans."""

FOREIGN = """\
Wie lange werden die Backups aufbewahrt?
Was ist der Unterschied und wie geht das?
Quelle est la taille de la page par défaut ?
¿Cuál es el tamaño de la página?
Qual é o tamanho da página e quando?
Hoeveel is het en waarom?
Какой размер страницы по умолчанию?
默认页面大小是多少?
デフォルトのページサイズは"""


@pytest.mark.parametrize("text", FACTS.splitlines())
def test_a_fact_can_be_quoted(text: str) -> None:
    assert kind_of_question(text) == "fact"


@pytest.mark.parametrize("text", EXPLAINED.splitlines())
def test_an_explanation_cannot(text: str) -> None:
    assert kind_of_question(text) == "explain"


@pytest.mark.parametrize("text", FOREIGN.splitlines())
def test_other_languages_are_told(text: str) -> None:
    assert kind_of_question(text) == "foreign"


@pytest.mark.parametrize("text", ["", "   ", "\n", "!!!", "x" * 100_000, "how " * 20_000, "compared " * 20_000, "difference " * 20_000])
def test_odd_texts_are_judged_quickly_all_the_same(text: str) -> None:
    assert kind_of_question(text) in {"fact", "explain"}
