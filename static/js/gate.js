// The gate's page: which of its views is shown, and what its buttons do.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const config = JSON.parse(byId("gate-config").textContent);
  const { say, element } = gateCards;
  const RELOAD_MS = 60_000;
  const TOAST_MS = 3_500;
  let shownLot = "";
  let toastTimer;
  let reloadTimer;

  function toast(text) {
    byId("toast").textContent = text;
    byId("toast").hidden = false;
    clearTimeout(toastTimer);
    toastTimer = setTimeout(() => (byId("toast").hidden = true), TOAST_MS);
  }

  // Where the reader is: the part of the address after #, so that the phone's back button works.
  function place() {
    const [name, value] = location.hash.slice(1).split("=");
    return { name: name || "day", value: decodeURIComponent(value ?? "") };
  }

  function shown() {
    const { name, value } = place();
    if (name !== "shipment") return null;
    const found = gateDay.find(value);
    if (found?.lot) shownLot = found.lot.token;
    return found?.shipment ?? gateDay.unknown(value);
  }

  function drawLine() {
    const { isOnline, isSending, needsLogin, trouble } = gateSync.line;
    const scans = gateDay.scans;
    const waiting = scans.filter((scan) => scan.state === gateStore.WAITING).length;
    const decide = scans.filter((scan) => scan.state === "conflict" || scan.state === "refused").length;
    const state = needsLogin ? "log_in" : isOnline ? (isSending && waiting ? "sending" : "online") : "offline";
    byId("line").textContent = say(state);
    const counts = [waiting && say("waiting", { count: waiting }), decide && say("attention", { count: decide })];
    byId("count").textContent = counts.filter(Boolean).join(" · ");
    byId("queue-link").dataset.state = decide || needsLogin ? "bad" : isOnline ? (waiting ? "busy" : "good") : "cut";
    byId("log-in").hidden = !needsLogin;
    byId("trouble").hidden = !trouble;
    byId("trouble").textContent = trouble ? say("trouble", { reason: trouble }) : "";
  }

  function drawShipment() {
    const one = shown();
    byId("shipment").replaceChildren(...gateCards.shipment(one, shownLot));
    const next = one.is_unknown ? "arrived" : gateCards.NEXT[one.status];
    for (const button of byId("actions").querySelectorAll("[data-kind]")) {
      button.classList.toggle("is-primary", button.dataset.kind === next);
    }
    const mine = gateDay.scans.filter((scan) => scan.shipment === one.token).reverse();
    byId("history").replaceChildren(
      ...mine.map((scan) => gateCards.line(scan, say(scan.state === gateStore.WAITING ? "waits" : scan.state))),
    );
  }

  function draw() {
    const { name } = place();
    for (const view of ["day", "shipment", "queue"]) byId(`view-${view}`).hidden = view !== name;
    byId("back").hidden = name === "day";
    drawLine();
    if (name === "day") {
      byId("day").replaceChildren(...gateCards.day(gateDay.loadedAt, gateDay.toCome(), gateDay.here()));
      byId("as-of").textContent = gateDay.loadedAt ? say("as_of", { time: gateCards.time(gateDay.loadedAt) }) : "";
    } else if (name === "shipment") {
      drawShipment();
    } else {
      byId("queue").replaceChildren(...gateCards.queue(gateDay.scans, config.user));
    }
  }

  async function reread() {
    await gateDay.reread();
    draw();
  }

  async function load() {
    clearTimeout(reloadTimer);
    reloadTimer = setTimeout(load, RELOAD_MS);
    try {
      await gateDay.load(Number(byId("park").value));
    } catch (error) {
      if (!(error instanceof gateSync.NoLine || error instanceof gateSync.NotLoggedIn)) throw error;
    }
    draw();
  }

  // Keep first, then send: what was recorded is on the phone's disk before anything else happens.
  async function record(scans, replaces = null) {
    const old = gateDay.scans.find((scan) => scan.key === replaces);
    // A conflict is known to the server, and what takes its place settles it there; a refused scan it never had.
    if (old?.state === "conflict") await gateStore.put({ ...old, choice: "drop", photos: [], state: gateStore.WAITING }, ...scans);
    else if (old) await gateStore.replace(old.key, ...scans);
    else await gateStore.put(...scans);
    await reread();
    toast(say(gateSync.line.isOnline ? "recorded" : "recorded_offline"));
    gateSync.send();
  }

  async function goTo(code) {
    let found = gateDay.find(code);
    if (!found) {
      try {
        found = await gateDay.seek(code);
        if (!found) return toast(say("not_found"));
      } catch (error) {
        if (!(error instanceof gateSync.NoLine || error instanceof gateSync.NotLoggedIn)) throw error;
      }
    }
    shownLot = found?.lot?.token ?? "";
    location.hash = `shipment=${encodeURIComponent(found ? found.shipment.token : gateDay.codeOf(code))}`;
  }

  async function scanWithCamera() {
    if (!gateCamera.canRead()) return byId("photo-code").click();
    byId("camera").hidden = false;
    try {
      const code = await gateCamera.watch(byId("video"));
      if (code) await goTo(code);
    } catch (error) {
      toast(say("no_camera", { reason: error.message }));
    } finally {
      gateCamera.stop();
      byId("camera").hidden = true;
    }
  }

  async function scanPhoto(file) {
    try {
      const code = await gateCamera.readPhoto(file, config.urls.photo);
      if (code) await goTo(code);
      else toast(say("no_code_seen"));
    } catch (error) {
      if (!(error instanceof gateSync.NoLine || error instanceof gateSync.NotLoggedIn)) throw error;
      toast(say("needs_line"));
    }
  }

  function act(kind) {
    const one = shown();
    // The most common act is one tap; everything else asks for what it needs.
    if (kind === "arrived") return record([gateForms.scan(kind, one)]);
    gateForms.ask(kind, one, one.lots.find((lot) => lot.token === shownLot));
  }

  async function decide(action, key) {
    const old = gateDay.scans.find((scan) => scan.key === key);
    const shipment = gateDay.find(old.token)?.shipment ?? gateDay.find(old.shipment)?.shipment ?? gateDay.unknown(old.shipment);
    if (action === "edit") return gateForms.ask(old.kind, shipment, null, old);
    if (action === "apply") return record([{ ...old, choice: "apply", state: gateStore.WAITING }]);
    if (action === "again") return record([{ ...old, state: gateStore.WAITING }]);
    if (window.confirm(say("really_drop"))) return record([], key);
  }

  function listen() {
    window.addEventListener("hashchange", draw);
    byId("back").addEventListener("click", () => (location.hash = ""));
    byId("find").addEventListener("submit", (event) => {
      event.preventDefault();
      const code = byId("code").value.trim();
      byId("code").value = "";
      if (code) goTo(code);
    });
    byId("scan").addEventListener("click", scanWithCamera);
    byId("camera-stop").addEventListener("click", gateCamera.stop);
    byId("photo-code").addEventListener("change", (event) => {
      const [file] = event.target.files;
      event.target.value = "";
      if (file) scanPhoto(file);
    });
    byId("actions").addEventListener("click", (event) => {
      const kind = event.target.closest("[data-kind]")?.dataset.kind;
      if (kind) act(kind);
    });
    byId("queue").addEventListener("click", (event) => {
      const button = event.target.closest("[data-action]");
      if (button) decide(button.dataset.action, button.dataset.key);
    });
    byId("send").addEventListener("click", () => gateSync.send());
    byId("park").addEventListener("change", async (event) => {
      await gateStore.keep("park", Number(event.target.value));
      await gateDay.recall(Number(event.target.value));
      location.hash = "";
      draw();
      load();
    });
    gateSync.hear((outcomes) => {
      if (!outcomes) return drawLine();
      reread();
      // Soon the day as the server sees it; many batches ask for it once.
      clearTimeout(reloadTimer);
      reloadTimer = setTimeout(load, 1_000);
    });
  }

  async function nameOfDevice() {
    const kept = await gateStore.recall("device");
    if (kept) return kept;
    const name = crypto.randomUUID().slice(0, 4).toUpperCase();
    await gateStore.keep("device", name);
    return name;
  }

  async function start() {
    gateCards.start(config);
    gateSync.start(config);
    await gateDay.start(config);
    const device = await nameOfDevice();
    byId("device").textContent = say("device", { name: device });
    gateForms.start(config, device, record);
    byId("park").replaceChildren(...config.parks.map((park) => element("option", { value: park.id }, park.name)));
    const chosen = await gateStore.recall("park");
    if (config.parks.some((park) => park.id === chosen)) byId("park").value = String(chosen);
    await gateDay.recall(Number(byId("park").value));
    listen();
    draw();
    document.body.dataset.ready = "yes";
    navigator.storage?.persist?.();
    await gateStore.forgetOld(Date.now());
    await load();
    gateSync.send();
  }

  navigator.serviceWorker?.register(config.urls.worker, { scope: config.urls.page });
  start().catch((error) => {
    byId("trouble").textContent = error.name === "InvalidStateError" ? say("no_storage") : error.message;
    byId("trouble").hidden = false;
  });
})();
