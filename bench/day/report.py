"""What a replayed day is told as: lines for the terminal, which docs/performance.md holds as well.

`__main__` calls it with the whole result.
"""

from collections.abc import Mapping
from typing import Any

from bench.day.memory import Course

_MIB = 2**20


def is_right(result: Mapping[str, Any]) -> bool:
    """Whether nothing was lost, doubled, refused or told wrongly, and no process of ours grew."""
    finished = result["figures"]["finished"]
    wrong = any(result["faults"].values()) or finished["refused"] or finished["differing"]
    return not wrong and all(Course(**each).is_flat for each in result["memory"].values())


def lines(result: Mapping[str, Any]) -> list[str]:
    """Sentences, a table of the memory, and every fault by name."""
    figures, machine, order = result["figures"], result["machine"], result["order"]
    finished, latency = figures["finished"], figures["latency"]
    total = sum(result["events"].values())
    shares = ", ".join(f"{event} {count / total:.1%}" for event, count in sorted(result["events"].items()))
    faults = {name: found for name, found in result["faults"].items() if found}
    sent, seconds = finished["sent"], figures["seconds"]
    return [
        f"* {result['distinct']:,} messages about {result['patients']:,} patients in {result['visits']:,} encounters: 24 hours in "
        f"{seconds / 60:.1f} minutes on {order['connections']} connections, {sent / seconds:,.0f} a second.",
        f"* {finished['repeats']:,} came again later. {finished['lost_acks']:,} lost their acknowledgement with the connection and "
        f"were sent again, twice. {finished['sent_again']:,} more tries were needed. {finished['refused']:,} were refused. "
        f"{finished['differing']:,} repeats were answered otherwise than before.",
        f"* {result['alerts']:,} alerts with {result['notices']:,} notices had to go out; {order['flagged']:,} have a plan.",
        f"* Message to acknowledgement: p50 {_ms(latency['p50'])}, p95 {_ms(latency['p95'])}, p99 {_ms(latency['p99'])}, at most "
        f"{_ms(latency['max'])}.",
        f"* The mix: {shares}.",
        f"* The database held {result['database_bytes'] / _MIB:,.0f} MiB at the end.",
        f"* {machine['cores']} cores of {machine['processor']}, {machine['memory_gib']} GiB, {machine['system']}, Python "
        f"{machine['python']}, PostgreSQL {result['postgresql']}; load average {machine['load_before']} before, "
        f"{machine['load_after']} after.",
        f"* Measured on {result['at']} at {result['version']}, seed {order['seed']}.",
        "",
        *_memory_table(result["memory"]),
        "",
        *(f"* **Wrong: {name}**: {', '.join(found)}" for name, found in faults.items()),
        *(["Nothing lost, nothing doubled, nobody told wrongly."] if not faults else []),
    ]


def _memory_table(memory: Mapping[str, Mapping[str, float]]) -> list[str]:
    if not memory:
        return ["Memory was not measured."]
    rows = [(name, Course(**each)) for name, each in memory.items()]
    return [
        "| Process | After the first tenth | In the last tenth | At most | Growth for 100,000 messages | Flat |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {name} | {each.begin / _MIB:.1f} MiB | {each.end / _MIB:.1f} MiB | {each.most / _MIB:.1f} MiB | "
            f"{each.slope / _MIB:+.2f} MiB | {'yes' if each.is_flat else '**no**'} |"
            for name, each in rows
        ),
    ]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.1f} ms"
