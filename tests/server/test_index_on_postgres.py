"""A server whose index stands on PostgreSQL: it answers, shows its citations, and lives on while the database is away."""

from pathlib import Path

from tests.apps import index_docs, write_docs
from tests.postgres import Server
from tests.serving import serving

QUESTION = "How high is the lighthouse at Cape Orrin?"


def test_it_answers_while_the_database_is_there_and_says_so_while_it_is_not(tmp_path: Path, postgres: Server) -> None:
    root, address = write_docs(tmp_path / "app", index=False), postgres.fresh()
    with (root / "groundwork.toml").open("a") as file:
        file.write(f'\n[index]\nurl = "{address.url}"\nnamespace = "{address.namespace}"\n')
    index_docs(root)
    assert not (root / ".groundwork" / "index").exists()
    with serving(root) as server:
        status, _, answer = server.say(QUESTION, "handbook")
        assert status == 200
        assert "47 metres" in answer["choices"][0]["message"]["content"]
        citation = answer["groundwork"]["citations"][0]
        assert citation["source"] == "docs/lighthouse.md"
        status, _, page = server.ask("GET", f"/source/{citation['document']}")
        assert (status, "47 metres" in str(page)) == (200, True)
        healthy = server.ask("GET", "/health")[2]
        assert healthy["status"] == "ok"
        postgres.running.stop()
        try:
            status, _, answer = server.say(QUESTION, "handbook")
            assert (status, answer["error"]["code"]) == (503, "store_error")
            assert "cannot be reached" in answer["error"]["message"]
            degraded = server.ask("GET", "/health")[2]
            assert degraded["status"] == "degraded"
            assert "the index cannot be read" in degraded["problems"][0]
        finally:
            postgres.running.start()
        assert server.say(QUESTION, "handbook")[0] == 200
        assert server.ask("GET", "/health")[2] == healthy
