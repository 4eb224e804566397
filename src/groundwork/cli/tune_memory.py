"""`groundwork tune memory`: what serving or training takes, before anything is loaded."""

from pathlib import Path
from typing import Any, get_args

import click

from groundwork.cli.terminal import bold, dim, json_option, out, out_json, table, talk
from groundwork.tuning.memory import BYTES, Format, Memory, Method, Optimizer, Plan, inference_memory, recipe_memory, training_memory
from groundwork.tuning.recipe import TARGETS, read_recipe
from groundwork.tuning.shape import MINILM, parameters, read_shape

EPILOG = """\b
Examples:
  groundwork tune memory config.json --method lora --rank 16 --batch 8 --length 512
  groundwork tune memory config.json --format fp16 --batch 32 --context 2048 --json
  groundwork tune memory recipes/reader.toml"""


@click.command(epilog=EPILOG)
@click.argument("source", metavar="CONFIG|RECIPE", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--format", "number", type=click.Choice(get_args(Format)), default="bf16", show_default=True, help="Of the weights.")
@click.option("--method", type=click.Choice(get_args(Method)), default="full", show_default=True, help="What is trained.")
@click.option("--optimizer", type=click.Choice(get_args(Optimizer)), default="adamw", show_default=True, help="What keeps states.")
@click.option("--states", type=click.Choice(get_args(Format)), help="Of the optimizer's states. Default: that of the weights.")
@click.option("--master", is_flag=True, help="A second copy of the trained weights in fp32.")
@click.option("--rank", default=16, show_default=True, help="Of LoRA's adapters.")
@click.option("--target", "targets", multiple=True, type=click.Choice(TARGETS), help="A matrix that LoRA adapts; all unless named.")
@click.option("--batch", default=8, show_default=True, help="Sequences at once.")
@click.option("--length", default=512, show_default=True, help="Tokens of a training sequence.")
@click.option("--checkpointing", is_flag=True, help="Keep the layers' inputs only, and compute the rest again.")
@click.option("--fused", is_flag=True, help="Attention that never writes its scores down.")
@click.option("--context", default=0, help="Tokens that a served sequence holds. Default: the training length.")
@json_option
def command(source: Path, number: Format, as_json: bool, **options: Any) -> None:
    """Predict the memory of a model from its CONFIG (config.json), or of a RECIPE of ours, item by item, with each item's formula."""
    if source.suffix == ".toml":
        predicted = recipe_memory(read_recipe(source))
        out_json({"training": predicted}) if as_json else _say("training", predicted)
        return
    shape = read_shape(source)
    count = parameters(shape)
    is_packed = BYTES[number] < 2 and options["method"] == "full"
    training = None if is_packed else training_memory(shape, _plan(number, options))
    serving = inference_memory(shape, number, batch=options["batch"], context=options["context"] or options["length"])
    if as_json:
        out_json({"shape": shape, "parameters": count, "training": training, "inference": serving})
        return
    active = f", {count.active:,} of them active for a token" if count.active != count.total else ""
    out(f"{bold(f'{count.total:,} parameters')}{active}")
    if training is None:
        talk(dim(f"nothing trains in {number}: --method qlora trains adapters on packed weights"))
    else:
        _say("training", training)
    _say("inference", serving)
    if shape.note:
        talk(dim(shape.note))
    if shape == MINILM:
        talk(dim("this is the base of our own models: a recipe's own figure is `groundwork tune memory RECIPE`"))


def _plan(number: Format, options: dict[str, Any]) -> Plan:
    return Plan(
        method=options["method"],
        format="bf16" if options["method"] == "qlora" and number in {"int8", "fp8", "int4", "fp4"} else number,
        optimizer=options["optimizer"],
        states=options["states"],
        has_master=options["master"],
        rank=options["rank"],
        targets=options["targets"] or TARGETS,
        batch=options["batch"],
        length=options["length"],
        checkpointing=options["checkpointing"],
        fused_attention=options["fused"],
    )


def _say(title: str, memory: Memory) -> None:
    out(f"\n{bold(title)}")
    rows = [(item.name, size(item.bytes), item.formula, dim(item.source)) for item in memory.items]
    table([*rows, (bold("in all"), bold(size(memory.total)), "", "")], ("part", "takes", "formula", "source"))
    out(f"rule of thumb: {size(memory.rule)} ({memory.rule_said})")


def size(count: int) -> str:
    """Bytes as people read them."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}" if count < 100 * scale else f"{count / scale:.0f} {unit}"
    return f"{count} B"
