// One connection to Podium for all pages of a browser, in a SharedWorker.
//
// A browser keeps at most six connections to one server (HTTP/1.1): with a stream for each,
// the seventh tab would stay empty. So the stream is here, and every page has a port.
"use strict";

const STREAMS = { // by the name under which a page joins: where it is, and the parts that come
  podium: ["/stream", [
    "headline", "findings", "now", "nodes", "instruments", "parameters", "runs", "events", "plot", "clock",
  ]],
  "podium-cold": ["/cold/stream", [
    "cold-headline", "cold-countdowns", "cold-alarms", "cold-procedures", "cold-findings",
    "cold-fridges", "cold-live", "clock",
  ]],
};
const AGAIN_MS = 1000;
const latest = new Map();
const ports = new Set();
let source = null;
let stream = "podium";

function tell(message) {
  for (const port of ports) port.postMessage(message);
}

function open() {
  const [address, parts] = STREAMS[stream];
  source = new EventSource(address);
  source.onopen = () => tell({ link: "open" });
  source.onerror = () => {
    tell({ link: "lost" });
    // An answer that is no stream (the server is only just coming up) ends it for good.
    if (source.readyState === EventSource.CLOSED) setTimeout(open, AGAIN_MS);
  };
  for (const part of parts) {
    source.addEventListener(part, (event) => {
      latest.set(part, event.data);
      tell({ part, text: event.data });
    });
  }
}

function join(port) {
  ports.add(port);
  port.onmessage = (event) => { if (event.data === "leave") ports.delete(port); };
  for (const [part, text] of latest) port.postMessage({ part, text });
  if (source === null) open();
}

// As a worker it is joined by pages; without one a page loads it and is its only port.
if (typeof SharedWorkerGlobalScope !== "undefined" && self instanceof SharedWorkerGlobalScope) {
  stream = self.name;
  self.onconnect = (event) => join(event.ports[0]);
} else {
  self.podiumFeed = (port, name) => { stream = name; join(port); };
}
