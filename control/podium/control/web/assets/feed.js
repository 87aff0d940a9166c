// One connection to Podium for all pages of a browser, in a SharedWorker.
//
// A browser keeps at most six connections to one server (HTTP/1.1): with a stream for each,
// the seventh tab would stay empty. So the stream is here, and every page has a port: it says
// which topics it shows, and up to which state it has them.
"use strict";

const AGAIN_MS = 1000;
const ports = new Map(); // of each page: its topics
let source = null;
let state = ""; // that all pages have

function tell(message) {
  for (const port of ports.keys()) port.postMessage(message);
}

function open(since) {
  source?.close();
  const topics = [...new Set([...ports.values()].flat())];
  const asked = new URLSearchParams({ topics: topics.join(","), since });
  const mine = source = new EventSource(`/stream?${asked}`);
  mine.onopen = () => tell({ link: "open" });
  mine.onerror = () => {
    tell({ link: "lost" });
    // An answer that is no stream (the server is only just coming up) ends it for good.
    if (mine.readyState === EventSource.CLOSED) setTimeout(() => { if (source === mine) open(state); }, AGAIN_MS);
  };
  for (const topic of [...topics, "rows", "alive"]) {
    mine.addEventListener(topic, (event) => {
      state = event.lastEventId || state;
      tell({ topic, text: event.data });
    });
  }
}

function join(port, { topics, since }) {
  // What others have is sent again where it is newer than the new page: that changes nothing.
  ports.set(port, topics);
  state = older(state || since, since);
  open(state);
}

function older(one, other) {
  const [[start, a], [another, b]] = [one, other].map((each) => each.split("-"));
  return start === another ? (Number(a) < Number(b) ? one : other) : "";
}

// As a worker it is joined by pages; without one a page loads it and is its only port.
if (typeof SharedWorkerGlobalScope !== "undefined" && self instanceof SharedWorkerGlobalScope) {
  self.onconnect = ({ ports: [port] }) => {
    port.onmessage = ({ data }) => {
      if (data === "leave") ports.delete(port);
      else join(port, data);
    };
  };
} else {
  self.podiumFeed = join;
}
