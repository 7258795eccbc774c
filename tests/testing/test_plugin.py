"""The pytest plugin, in a project of a reader's own, under pytest-asyncio, under anyio's plugin and without either."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "testing-runtimes-and-leaks.md"

TITLED_BLOCK = re.compile(r'^```python title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)

CONFTEST = """
import pytest

pytest_plugins = ["pygent.testing.plugin"]

@pytest.fixture
def anyio_backend():
    return "asyncio"
"""

AGENT = '''
from pygent import AsyncAgent, tool

@tool
async def count_lines(rt, path: str) -> str:
    """Count the lines of a file."""
    return str(len((await rt.read_file(path)).splitlines()))

def make_agent(model, runtime):
    return AsyncAgent(model, runtime=runtime)
'''

PASSING = """
import asyncio
import pytest
from my_agent import make_agent
from pygent import Agent
from pygent.testing import tool_call

pytestmark = [pytest.mark.no_leaks, pytest.mark.usefixtures("no_network")]

async def converse(scripted_model, local_runtime):
    await local_runtime.write_file("poem", "one\\ntwo\\n")
    model = scripted_model(tool_call("count_lines", path="poem"), "It has two lines.")
    async with make_agent(model, local_runtime) as agent:
        reply = await agent.run_until_stop("How long is the poem?")
    assert reply.text == "It has two lines."
    assert agent.history[-2].text == "2"

{decorator}
async def test_async(scripted_model, local_runtime):
    await converse(scripted_model, local_runtime)

class TestClass:
    {decorator}
    async def test_async(self, scripted_model, local_runtime):
        await converse(scripted_model, local_runtime)

def test_plain(scripted_model, local_runtime):
    asyncio.run(converse(scripted_model, local_runtime))

def test_synchronous_face(scripted_model, tmp_path):
    with Agent(scripted_model(tool_call("bash", cmd="echo hi"), "Done.")) as agent:
        assert agent.run_until_stop("Say hi").text == "Done."
"""

FAILING = """
import asyncio, socket, subprocess
import pytest
from pygent import AsyncAgent
from pygent.models import OpenAIModel

{decorator}
@pytest.mark.no_leaks(patience=0.1)
async def test_task():
    global kept
    kept = asyncio.create_task(asyncio.sleep(60), name="forgotten")

@pytest.mark.no_leaks(patience=0.1)
def test_process():
    global child
    child = subprocess.Popen(["sleep", "60"])

def teardown_module():
    child.kill()
    child.wait()

{decorator}
@pytest.mark.no_leaks(patience=0.1)
async def test_background(local_runtime):
    await local_runtime.exec("sleep 597 >/dev/null 2>&1 &")

{decorator}
async def test_model(no_network):
    agent = AsyncAgent(OpenAIModel("http://models.example/v1", "sk-test"), model_name="expensive")
    await agent.step("hello")

{decorator}
async def test_swallowed(no_network):
    with pytest.raises(Exception):
        await asyncio.open_connection("other.example", 80)

def test_address(no_network):
    with socket.socket() as sock:
        sock.connect(("192.0.2.1", 80))

def test_address_again(no_network):
    with socket.socket() as sock:
        sock.connect_ex(("192.0.2.1", 80))

def test_script(scripted_model):
    scripted_model("one", "two")

def test_error_counts_more(scripted_model):
    scripted_model("one", "two")
    assert 1 == 2
"""

STYLES = {"pytest-asyncio": ("@pytest.mark.asyncio", "no:anyio"), "anyio": ("@pytest.mark.anyio", "no:asyncio")}


@pytest.fixture(params=STYLES)
def project(request: pytest.FixtureRequest, pytester: pytest.Pytester) -> pytest.Pytester:
    """A project that knows nothing of ours, with one of the two plugins for coroutines."""
    decorator, without = STYLES[request.param]
    pytester.makeconftest(CONFTEST)
    pytester.makepyprojecttoml(f'[tool.pytest.ini_options]\naddopts = ["--strict-markers", "-p", "{without}"]')
    pytester.makepyfile(
        my_agent=AGENT,
        test_passing=PASSING.replace("{decorator}", decorator),
        test_failing=FAILING.replace("{decorator}", decorator),
    )
    return pytester


def test_reader_tests_an_agent(project: pytest.Pytester) -> None:
    """The documented tests pass in any style, and leave nothing."""
    result = project.runpytest_subprocess("test_passing.py")

    result.assert_outcomes(passed=4)


def test_reader_is_told(project: pytest.Pytester) -> None:
    """A leak, a connection to another machine, and a script that was not played fail the test that did it, by name."""
    result = project.runpytest_subprocess("test_failing.py", "-W", "ignore")

    result.assert_outcomes(failed=9)
    told = str(result.stdout)
    for line in (
        "task 'forgotten' of sleep",
        r"process \d+: sleep 60\n",
        r"process \d+: sleep 597\n",
        "Failed: this test must not use the network, and wants to reach other.example",
        "must not use the network, and wants to reach models.example",
        "Failed: this test must not use the network, and wants to reach 192.0.2.1",
        "assert 1 == 2",
    ):
        assert re.search(line, told), line
    assert len(re.findall(r"E +Failed: of the 2 replies in a script only 0 were", told)) == 1  # nothing else failed


def test_guide_is_true(pytester: pytest.Pytester) -> None:
    """The tests in the manual pass as they stand there; without the line that ends a server one fails, and why."""
    files = dict(TITLED_BLOCK.findall(GUIDE.read_text()))
    for name, text in files.items():
        pytester.path.joinpath(name).write_text(text)
    pytester.makepyprojecttoml('[tool.pytest.ini_options]\naddopts = ["--strict-markers"]')
    pytester.runpytest_subprocess().assert_outcomes(passed=4)

    pytester.path.joinpath("test_shop.py").write_text(re.sub(r".*kill .*\n", "", files["test_shop.py"]))
    result = pytester.runpytest_subprocess("test_shop.py")
    result.assert_outcomes(passed=2, failed=1)
    assert re.search(r"process \d+: sleep 600\n", str(result.stdout))


def test_loading_costs_only_those_who_ask() -> None:
    """Neither `import pygent` nor `import pygent.testing` imports pytest."""
    program = "import sys, pygent.testing, pygent; pygent.LocalRuntime; assert 'pytest' not in sys.modules"

    subprocess.run([sys.executable, "-c", program], check=True)
