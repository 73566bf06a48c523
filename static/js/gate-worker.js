// The gate's service worker: keeps its page and files, so that it opens without a network. GATE says which (gate_worker).
"use strict";

const CACHE = `gate-${self.GATE.version}`;
const WAIT_MS = 3_000;

async function keepPage() {
  const response = await fetch(self.GATE.page, { credentials: "same-origin" });
  // Who is not logged in is sent elsewhere; that page is not the gate.
  if (response.ok && !response.redirected) await (await caches.open(CACHE)).put(self.GATE.page, response);
}

self.addEventListener("install", (event) => {
  const work = async () => {
    const cache = await caches.open(CACHE);
    await cache.addAll(self.GATE.files.map((file) => new Request(file, { cache: "reload" })));
    await keepPage();
    await self.skipWaiting();
  };
  event.waitUntil(work());
});

self.addEventListener("activate", (event) => {
  const work = async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith("gate-") && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(work());
});

// The page comes fresh where the network answers in time, otherwise as it was last seen.
async function page(event) {
  const cache = await caches.open(CACHE);
  const fresh = fetch(event.request).then(async (response) => {
    if (response.ok && !response.redirected) await cache.put(self.GATE.page, response.clone());
    return response.status < 500 ? response : null;
  });
  event.waitUntil(fresh.catch(() => null));
  const tooLate = new Promise((resolve) => setTimeout(resolve, WAIT_MS, null));
  // No network, or one that does not answer in time: the kept page is for this.
  const answer = await Promise.race([fresh.catch(() => null), tooLate]);
  return answer ?? (await cache.match(self.GATE.page)) ?? (await fresh) ?? Response.error();
}

async function file(event) {
  const kept = await (await caches.open(CACHE)).match(event.request);
  return kept ?? fetch(event.request);
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  if (event.request.mode === "navigate" && url.pathname === self.GATE.page) event.respondWith(page(event));
  else if (self.GATE.files.includes(url.pathname)) event.respondWith(file(event));
});
