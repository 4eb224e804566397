"""One request, as one readable coroutine. `groundwork eject answer` copies this file into your project and runs yours."""

from groundwork.app.application import App
from groundwork.core.ports import Outlet
from groundwork.core.reply import Reply
from groundwork.core.request import Request
from groundwork.guard.outgoing import refuse


async def answer(request: Request, app: App, out: Outlet) -> Reply:
    """Carry one request to its answer. Deltas go to `out` as they are cleared; the whole reply is returned.

    Runs in a task of its own: whoever leaves cancels it, and the model call with it.
    """
    request, admission = app.guard_in.clean(request)  # masks and cheap refusals: before anything is written or sent
    if admission.refusal:
        return await refuse(admission, out)
    route = await app.router.choose(request)
    async with app.guard_in.judging(request, admission):  # slower rails run beside; a block cancels this body
        kept = await app.cache.find(request, route)
        found = kept.found if kept else await admission.inspect(await app.context.gather(request, route))
        cleared = app.guard_out(out, found, after=admission)  # nothing leaves or acts before the rails have agreed
        if kept:
            reply = await cleared.replay(kept.reply)
        else:
            reply = await route.agent.run(await app.prompts.render(request, found, route), found, cleared)
        app.cache.keep(request, route, found, reply)  # clean replies only
        return reply
    return await refuse(admission, out)
