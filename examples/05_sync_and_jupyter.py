"""Without asyncio: `Agent` is the same agent for scripts, threads, and the cells of a notebook."""

from pygent import Agent, Runtime

with Agent() as agent:
    agent.run_until_stop("Write the first 10 primes into primes.txt, one per line.")
    print(agent.answer or f"ended early: {agent.stop_reason}")
    print("files:", agent.runtime.list_files())

runtime = Runtime(use_docker=False)  # a workspace can be used without a model, too
print(runtime.bash("echo 'no model needed'"))
runtime.cleanup()
