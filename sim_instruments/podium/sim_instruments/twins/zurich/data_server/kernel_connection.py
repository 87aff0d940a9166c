"""One client's connection to a kernel, from its first remote call on."""

from podium.firmware_interfaces.zurich import rpc, session_messages
from podium.firmware_interfaces.zurich.capnp_framing import Splitter
from podium.firmware_interfaces.zurich.errors import ProtocolError
from podium.firmware_interfaces.zurich.node_paths import ListFlags
from podium.firmware_interfaces.zurich.refusals import Refused
from podium.firmware_interfaces.zurich.session_messages import (
    DisconnectDevice,
    GetSessionVersion,
    GetTheSchema,
    GetValue,
    ListNodes,
    ListNodesJson,
    SetValue,
    Subscribe,
    Unsubscribe,
)
from podium.firmware_interfaces.zurich.values import WriteValue, write_value
from podium.sim_instruments.twins.zurich.data_server.kernel import Kernel
from podium.sim_instruments.twins.zurich.data_server.subscriber import Subscriber

SESSION_EXPORT = 0
"""Our number of the session, the only object that we export."""
QUESTIONS_MAX = 10_000
"""Answers that a client may keep; more is no client. ASSUMED."""


class KernelConnection:
    """Answers remote calls; sends what the client has subscribed to."""

    def __init__(self, kernel: Kernel, write: WriteValue = write_value) -> None:
        """``write``: the form in which this client takes values."""
        self._kernel = kernel
        self._write = write
        self._splitter = Splitter()
        self._out: list[bytes] = []
        self._bootstraps: set[int] = set()
        self._answers: set[int] = set()
        self._sends: dict[int, Subscriber] = {}
        self._next_question = 0
        self._by_handle: dict[int, Subscriber] = {}
        self._by_name: dict[bytes, dict[Subscriber, None]] = {}
        self.ended = False

    def feed(self, data: bytes, now_fs: int) -> bytes:
        """Take what came; return what is to be sent. What breaks the rules ends the connection."""
        looks = not data
        try:
            for frame in self._splitter.feed(data) if data else ():
                message = rpc.decode(frame)
                looks |= isinstance(message, rpc.Call)
                self._obey(message, now_fs)
                if self.ended:
                    break
        except ProtocolError as error:
            self._out.append(rpc.abort(str(error)))
            self.ended = True
        # That an answer has arrived, which clients say of each by itself, changes nothing there.
        if looks:
            self._kernel.update(now_fs)
        sent = b"".join(self._out)
        self._out.clear()
        if self._kernel.closed:
            self.ended = True
        return sent

    def hung_up(self) -> None:
        """Let go of all subscriptions."""
        self.ended = True
        for subscriber in self._by_handle.values():
            subscriber.end()
            self._kernel.store.gone(subscriber)
        self._by_handle.clear()
        self._by_name.clear()

    # --- remote calls -----------------------------------------------------------------

    def _obey(self, message: rpc.RpcMessage, now_fs: int) -> None:
        match message:
            case rpc.Call():
                self._answer(message, now_fs)
            case rpc.Finish():
                self._bootstraps.discard(message.question)
                self._answers.discard(message.question)
            case rpc.CallReturn():
                self._confirm(message)
            case rpc.Bootstrap():
                self._new_question(message.question)
                self._bootstraps.add(message.question)
                self._out.append(rpc.bootstrap_return(message.question, SESSION_EXPORT))
            case rpc.Release():
                pass  # the session lives as long as the connection
            case rpc.Disembargo():
                self._out.append(rpc.disembargo_reply(message.embargo, SESSION_EXPORT))
            case rpc.Abort():
                self.ended = True
            case rpc.NotUnderstood():
                raise ProtocolError("the client does not understand calls of its own handles")

    def _new_question(self, question: int) -> None:
        if question in self._answers:
            raise ProtocolError(f"question {question} is asked while its answer is still in use")
        if len(self._answers) >= QUESTIONS_MAX:
            raise ProtocolError(f"more than {QUESTIONS_MAX} answers are kept")
        self._answers.add(question)

    def _answer(self, call: rpc.Call, now_fs: int) -> None:
        question = call.question
        self._new_question(question)
        if not self._is_session(call):
            self._out.append(rpc.exception_return(question, "there is no such object"))
            return
        request = session_messages.decode(call)
        if request is None:
            reason = f"method {call.method} of interface {call.interface:#x} is not implemented"
            self._out.append(rpc.exception_return(question, reason, rpc.UNIMPLEMENTED_CALL))
            return
        self._kernel.count()
        if not isinstance(request, GetValue | SetValue):  # of these the kernel tells
            self._kernel.hear(request, ())
        match request:
            case GetValue():
                found = self._kernel.get(request, now_fs)
                self._out.append(session_messages.values_answer(question, found, self._write))
            case SetValue():
                self._set(question, request, now_fs)
            case ListNodes():
                paths = self._kernel.store.list_names(request.path, ListFlags(request.flags))
                self._out.append(session_messages.paths_answer(question, paths))
            case ListNodesJson():
                flags = ListFlags(request.flags)
                text = self._kernel.store.describe(request.path, flags)
                self._out.append(session_messages.text_answer(question, text))
            case Subscribe():
                self._subscribe(call, request)
            case Unsubscribe():
                self._unsubscribe(request)
                self._out.append(session_messages.void_answer(question))
            case DisconnectDevice():
                self._out.append(session_messages.void_answer(question))
                self._kernel.disconnect(now_fs)
            case GetTheSchema():
                self._out.append(session_messages.schema_answer(question))
            case GetSessionVersion():
                version = session_messages.SESSION_VERSION
                self._out.append(session_messages.text_answer(question, version))

    def _is_session(self, call: rpc.Call) -> bool:
        if call.imported is None:
            return call.promised in self._bootstraps and not call.deep
        return call.imported == SESSION_EXPORT

    def _set(self, question: int, request: SetValue, now_fs: int) -> None:
        found = self._kernel.set(request, now_fs)
        if request.form == 9:
            self._out.append(session_messages.values_answer(question, found, self._write))
        elif request.form == 8:
            self._out.append(session_messages.value_answer(question, found[0], self._write))
        else:
            refusal = found[0] if not hasattr(found[0], "value") else None
            self._out.append(session_messages.done_answer(question, refusal))

    # --- subscriptions ----------------------------------------------------------------

    def _subscribe(self, call: rpc.Call, request: Subscribe) -> None:
        handle = session_messages.handle_of(call, request)
        subscriber = self._by_handle.get(handle) or Subscriber(handle, self._send)
        try:
            self._kernel.store.subscribe(subscriber, request.path)
        except Refused as refused:
            answer = session_messages.done_answer(call.question, refused.refusal)
            self._out.append(answer)
            return
        subscriber.references += 1
        self._by_handle[handle] = subscriber
        self._by_name.setdefault(request.subscriber, {})[subscriber] = None
        self._out.append(session_messages.done_answer(call.question, None, keep=True))

    def _unsubscribe(self, request: Unsubscribe) -> None:
        # What it has heard is still sent, and its handle kept until it refuses it.
        named = self._by_name.get(request.subscriber, {}).keys()
        for path in request.paths:
            self._kernel.store.unsubscribe(named, path)

    def _send(self, subscriber: Subscriber) -> None:
        if subscriber.ended:
            self._let_go(subscriber)
            return
        while values := subscriber.take():
            question = self._next_question
            self._next_question = (question + 1) % 2**30
            self._sends[question] = subscriber
            self._out.append(
                session_messages.send_values(question, subscriber.handle, values, self._write)
            )

    def _confirm(self, returned: rpc.CallReturn) -> None:
        subscriber = self._sends.pop(returned.question, None)
        if subscriber is None:
            raise ProtocolError(f"an answer to question {returned.question}, which was not asked")
        self._out.append(rpc.finish(returned.question))
        subscriber.confirmed()
        if not returned.done:
            # The client wants no more of it: how clients end subscriptions without a word.
            subscriber.end()
        self._send(subscriber)

    def _let_go(self, subscriber: Subscriber) -> None:
        if self._by_handle.pop(subscriber.handle, None) is None:
            return
        self._kernel.store.gone(subscriber)
        for named in self._by_name.values():
            named.pop(subscriber, None)
        self._out.append(rpc.release(subscriber.handle, subscriber.references))
