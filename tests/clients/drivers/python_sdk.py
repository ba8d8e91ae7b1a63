"""Takes steps with the Python SDK, of 1.x or 2.x, and prints what came of each as JSON.

    python_sdk.py MODE PLAN    MODE: initialize, or discover (2.x only)

PLAN has {"command", "variables", "steps"}; steps.py, beside the folder, says what steps there are. This file runs in
the SDK's own environment, and imports nothing else of this suite.
"""

import asyncio
import contextlib
import json
import os
import sys
from datetime import timedelta

import mcp
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

IS_NEW = hasattr(mcp, "Client")


class Driver:
    def __init__(self, session):
        self.session = session
        self.last = {}
        self.changed = asyncio.Event()

    async def heard(self, message):
        if "tools/list_changed" in str(getattr(message, "root", message)) or "ToolListChanged" in type(message).__name__:
            self.changed.set()

    async def take(self, step):
        return await getattr(self, step.pop("do"))(**step)

    async def list(self):
        listed = await self.session.list_tools()
        return {"tools": [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed.tools]}

    async def call(self, tool, arguments, timeout_s=None, cancel_after_s=None):
        progress = []

        async def note(done, total, message):
            progress.append([done, message])

        more = {"progress_callback": note}
        if timeout_s:
            more["read_timeout_seconds"] = timeout_s if IS_NEW else timedelta(seconds=timeout_s)
        task = asyncio.ensure_future(self.session.call_tool(tool, arguments, **more))
        try:
            if cancel_after_s:
                await asyncio.sleep(cancel_after_s)
                task.cancel()
            result = await task
        except asyncio.CancelledError:
            return {"cancelled": True}
        except Exception as error:
            return {"raised": f"{type(error).__name__}: {error}", "progress": progress}
        result = result.model_dump(mode="json", by_alias=True, exclude_none=True)
        texts = [block["text"] for block in result["content"]]
        self.last = json.loads(texts[0])
        facts = {"texts": texts, "is_error": result.get("isError", False), "progress": progress}
        return {**facts, "structured": result.get("structuredContent")}

    async def collect(self):
        facts = {"texts": [json.dumps(self.last)]}
        for _ in range(20):
            if self.last.get("status") != "running":
                return facts
            facts = await self.call("llm_result", {"run_id": self.last["meta"]["run_id"]})
        return facts

    async def pages(self):
        meta, pages = self.last["meta"], []
        for page in range(1, meta.get("pages", 0) + 1):
            facts = await self.call("llm_result", {"run_id": meta["run_id"], "page": page})
            pages.append(facts.get("texts", [""])[0] or str(facts))
        return {"pages": pages}

    async def save(self, path, text):
        with open(path + ".new", "w") as file:
            file.write(text)
        os.rename(path + ".new", path)
        return {}

    async def pause(self, seconds):
        await asyncio.sleep(seconds)
        return {}

    async def begin(self, tool, arguments, seconds):
        """Begins a call that nobody waits for."""
        self.left = asyncio.ensure_future(self.session.call_tool(tool, arguments))
        await asyncio.sleep(seconds)
        return {"is_done": self.left.done()}

    async def list_changed(self, within_s):
        try:
            await asyncio.wait_for(self.changed.wait(), within_s)
        except asyncio.TimeoutError:
            return {"changed": False}
        return {"changed": True}


@contextlib.asynccontextmanager
async def connected(mode, parameters):
    if mode == "initialize" and not IS_NEW:
        async with stdio_client(parameters) as (reader, writer):
            driver = Driver(None)
            async with ClientSession(reader, writer, message_handler=driver.heard) as session:
                driver.session = session
                await session.initialize()
                yield driver
        return
    driver = Driver(None)
    how = "legacy" if mode == "initialize" else "auto"
    async with mcp.Client(parameters, mode=how, message_handler=driver.heard) as client:
        driver.session = client
        if how == "legacy":
            yield driver
            return
        try:
            listening = client.listen(tools_list_changed=True)
            subscription = await listening.__aenter__()
        except Exception:
            # The check of list_changed says so.
            yield driver
            return
        following = asyncio.ensure_future(follow(subscription, driver))
        try:
            yield driver
        finally:
            following.cancel()
            await listening.__aexit__(None, None, None)


async def follow(subscription, driver):
    async for _ in subscription:
        driver.changed.set()


async def main(mode, plan):
    facts = []
    command = plan["command"]
    parameters = StdioServerParameters(command=command[0], args=command[1:], env=plan["variables"])
    try:
        async with connected(mode, parameters) as driver:
            for step in plan["steps"]:
                facts.append(await driver.take(step))
    except BaseException as error:
        facts.append({"leaving": f"{type(error).__name__}: {error}"})
    print(json.dumps(facts))


asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
