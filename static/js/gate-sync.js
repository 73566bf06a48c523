// Carries scans to the server: at once where there is a line, otherwise when it is back. Sent twice, a scan counts once.
"use strict";

const gateSync = (() => {
  const BATCH = 50;
  // So many requests at a time: the server's database waits while its processor works, and the other way round.
  const LANES = 2;
  const TIMEOUT_MS = 20_000;
  const FIRST_PAUSE_MS = 2_000;
  const LONGEST_PAUSE_MS = 60_000;
  const line = { isOnline: navigator.onLine, needsLogin: false, isSending: false, trouble: "" };
  const hearers = [];
  let config;
  let pause = FIRST_PAUSE_MS;
  let timer;
  let wantsAnother = false;

  class NoLine extends Error {}
  class NotLoggedIn extends Error {}

  function tell() {
    for (const hear of hearers) hear();
  }

  function set(changes) {
    Object.assign(line, changes);
    tell();
  }

  function csrfToken() {
    return document.cookie.match(/(?:^|;\s*)csrftoken=([^;]+)/)?.[1] ?? "";
  }

  // Ask the server; a network that is cut, slow, or answers with something else than our server raises NoLine.
  async function ask(url, options = {}) {
    let response;
    try {
      response = await fetch(url, {
        credentials: "same-origin",
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...options,
        headers: { Accept: "application/json", "Accept-Language": config.language, ...options.headers },
      });
    } catch (error) {
      set({ isOnline: false });
      throw new NoLine(error.message);
    }
    if (response.status === 502 || response.status === 503 || response.status === 504) {
      set({ isOnline: false });
      throw new NoLine(response.statusText);
    }
    if (response.status === 401 || response.status === 403) {
      set({ isOnline: true, needsLogin: true });
      throw new NotLoggedIn();
    }
    set({ isOnline: true, needsLogin: false });
    return response;
  }

  function post(url, body, headers = {}) {
    const isForm = body instanceof FormData;
    return ask(url, {
      method: "POST",
      headers: { "X-CSRFToken": csrfToken(), ...(isForm ? {} : { "Content-Type": "application/json" }), ...headers },
      body: isForm ? body : JSON.stringify(body),
    });
  }

  // Photos go first, each under a key of its own, so that a photo sent twice is one file.
  async function withPhotos(scan) {
    if (!scan.photos?.length) return scan;
    const attachments = [...(scan.attachments ?? [])];
    while (attachments.length < scan.photos.length) {
      const place = attachments.length;
      const form = new FormData();
      form.set("organisation", String(scan.organisation));
      form.set("file", scan.photos[place], `photo-${place + 1}.jpg`);
      const response = await post(config.urls.attachments, form, { "Idempotency-Key": `${scan.key}-${place}` });
      const answer = await response.json();
      if (!response.ok) {
        const message = Object.values(answer.errors ?? {}).flat().join(" ") || answer.detail || answer.title;
        await gateStore.settle([[scan.key, { state: "refused", message, answered_at: new Date().toISOString() }]]);
        return null;
      }
      attachments.push(answer.id);
      await gateStore.settle([[scan.key, { attachments }]]);
    }
    return { ...scan, attachments };
  }

  function spoken(scan) {
    const { key, token, kind, recorded_at, data, facility, device, note, attachments, choice } = scan;
    const said = { key, token, kind, recorded_at, data, facility, device, note, attachments: attachments ?? [] };
    return choice ? { ...said, choice } : said;
  }

  // A batch with a scan that the server cannot even read: mark that one, the others go again.
  function unreadable(scans, problem) {
    const messages = new Map();
    for (const [field, texts] of Object.entries(problem.errors ?? {})) {
      const [, place, name] = field.match(/^scans\.(\d+)(?:\.(.+))?$/) ?? [];
      if (place === undefined) continue;
      const key = scans[Number(place)].key;
      messages.set(key, [...(messages.get(key) ?? []), `${name ? `${name}: ` : ""}${texts.join(" ")}`]);
    }
    return messages;
  }

  async function sendBatch(scans) {
    const ready = (await Promise.all(scans.map(withPhotos))).filter(Boolean);
    if (!ready.length) return;
    const response = await post(config.urls.scans, { scans: ready.map(spoken) });
    const answered_at = new Date().toISOString();
    if (response.status === 400) {
      const messages = unreadable(ready, await response.json());
      if (!messages.size) throw new Error(response.statusText);
      await gateStore.settle(
        [...messages].map(([key, texts]) => [key, { state: "refused", message: texts.join(" "), answered_at }]),
      );
      return;
    }
    if (response.status >= 500 && ready.length > 1) {
      // One of them trips the server up: the others go without it.
      const half = Math.ceil(ready.length / 2);
      await sendBatch(ready.slice(0, half));
      await sendBatch(ready.slice(half));
      return;
    }
    if (response.status >= 500) {
      const message = `${response.status} ${response.statusText}`;
      await gateStore.settle([[ready[0].key, { state: "refused", message, answered_at }]]);
      return;
    }
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    const { outcomes } = await response.json();
    await gateStore.settle(
      outcomes.map((outcome) => {
        const state = outcome.result === "done" || outcome.result === "duplicate" ? "done" : outcome.result;
        const { message, choices, state: server } = outcome;
        return [outcome.key, { state, message, choices, server, answered_at, ...(state === "done" && { photos: [] }) }];
      }),
    );
    for (const hear of hearers) hear(outcomes);
  }

  // Share the scans out so that those of one shipment stay together and in order.
  function lanes(scans) {
    const shared = Array.from({ length: LANES }, () => []);
    const laneOf = new Map();
    for (const scan of scans) {
      if (!laneOf.has(scan.shipment)) laneOf.set(scan.shipment, laneOf.size % LANES);
      shared[laneOf.get(scan.shipment)].push(scan);
    }
    return shared.filter((lane) => lane.length);
  }

  async function sendLane(scans) {
    for (let start = 0; start < scans.length; start += BATCH) await sendBatch(scans.slice(start, start + BATCH));
  }

  async function sendAll() {
    for (;;) {
      const mine = (await gateStore.scans()).filter(
        (scan) => scan.state === gateStore.WAITING && scan.by === config.user,
      );
      if (!mine.length) return;
      const ends = await Promise.allSettled(lanes(mine).map(sendLane));
      const failed = ends.find((end) => end.status === "rejected");
      if (failed) throw failed.reason;
    }
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(send, pause);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }

  // Send what waits. One tab sends at a time; who is asked while sending looks again afterwards.
  async function send() {
    if (line.isSending) {
      wantsAnother = true;
      return;
    }
    set({ isSending: true });
    try {
      await navigator.locks.request("gate-sync", { ifAvailable: true }, async (lock) => {
        if (lock) await sendAll();
        else later();
      });
      pause = FIRST_PAUSE_MS;
      set({ trouble: "" });
    } catch (error) {
      if (!(error instanceof NotLoggedIn)) later();
      if (!(error instanceof NotLoggedIn || error instanceof NoLine)) set({ trouble: error.message });
    } finally {
      set({ isSending: false });
    }
    if (wantsAnother) {
      wantsAnother = false;
      await send();
    }
  }

  return {
    line,
    NoLine,
    NotLoggedIn,
    ask,
    post,
    send,

    start(settings) {
      config = settings;
      window.addEventListener("online", () => {
        pause = FIRST_PAUSE_MS;
        set({ isOnline: true });
        send();
      });
      window.addEventListener("offline", () => set({ isOnline: false }));
      document.addEventListener("visibilitychange", () => {
        if (document.visibilityState === "visible") send();
      });
    },

    // Call back whenever the line or the queue changed; with the outcomes where the server answered.
    hear(callback) {
      hearers.push(callback);
    },
  };
})();
