// The day at this gate: what the server last told of it, with everything recorded here since laid over it.
"use strict";

const gateDay = (() => {
  // How far each scan brings a shipment, and in which order the statuses come.
  const AFTER = { arrived: "arrived", weighed: "weighed", stored: "stored", handed_over: "handed_over" };
  const ORDER = ["planned", "dispatched", "arrived", "weighed", "inspected", "stored", "handed_over", "received"];
  const TO_COME = ["planned", "dispatched"];
  const GONE = ["handed_over", "received", "cancelled"];
  let config;
  let day;
  let scans = [];

  const folded = (text) => String(text).toUpperCase().replace(/[\s·.-]/g, "");

  // A code is the last part of the address that a QR holds, or what was typed.
  function codeOf(text) {
    const trimmed = text.trim();
    if (!/^https?:\/\//i.test(trimmed) || !URL.canParse(trimmed)) return trimmed;
    return new URL(trimmed).pathname.split("/").filter(Boolean).pop() ?? "";
  }

  function reach(shown, status) {
    if (status && ORDER.indexOf(status) > ORDER.indexOf(shown.status)) shown.status = status;
  }

  // What the server answered since the day was loaded.
  function layServer(shown, server) {
    reach(shown, server.shipment_status);
    shown.gross_weight_kg = server.gross_weight_kg ?? shown.gross_weight_kg;
    shown.tare_weight_kg = server.tare_weight_kg ?? shown.tare_weight_kg;
    for (const lot of server.lots ?? []) Object.assign(shown.lots.find((one) => one.token === lot.token) ?? {}, lot);
  }

  // What it will be once the server has it.
  function layWaiting(shown, scan) {
    if (scan.choice === "drop") return;
    reach(shown, AFTER[scan.kind]);
    shown.gross_weight_kg = scan.data.gross_kg ?? shown.gross_weight_kg;
    shown.tare_weight_kg = scan.data.tare_kg ?? shown.tare_weight_kg;
    const lot = shown.lots.find((one) => one.token === scan.token);
    if (!lot || (scan.kind !== "stored" && scan.kind !== "counted")) return;
    lot.stored_quantity = scan.data.quantity;
    lot.facility_name = scan.place || lot.facility_name;
  }

  function layOver(shipment) {
    const shown = structuredClone(shipment);
    shown.unsent = 0;
    for (const scan of scans) {
      if (scan.shipment !== shipment.token) continue;
      const waits = scan.state === gateStore.WAITING;
      const isNews = scan.state === "done" && scan.answered_at > (day?.loaded_at ?? "");
      if (waits) shown.unsent += 1;
      if (!waits && !isNews) continue;
      if (isNews) layServer(shown, scan.server ?? {});
      else layWaiting(shown, scan);
    }
    const both = shown.gross_weight_kg && shown.tare_weight_kg;
    shown.net_weight_kg = both ? String(Number(shown.gross_weight_kg) - Number(shown.tare_weight_kg)) : null;
    shown.is_late = TO_COME.includes(shown.status) && shown.expected_at && Date.parse(shown.expected_at) < now();
    return shown;
  }

  // The server's clock: phones are wrong by minutes, and the order of events counts.
  function now() {
    return Date.now() + (day?.clock_offset ?? 0);
  }

  return {
    codeOf,
    now,

    async start(settings) {
      config = settings;
      scans = await gateStore.scans();
    },

    get park() {
      return day?.park ?? null;
    },

    get loadedAt() {
      return day?.loaded_at ?? null;
    },

    get warehouses() {
      return day?.warehouses ?? [];
    },

    get scans() {
      return scans;
    },

    async reread() {
      scans = await gateStore.scans();
    },

    // Show a park as it was last loaded in this phone.
    async recall(park) {
      day = (await gateStore.recall(`day-${park}`)) ?? { park, warehouses: [], shipments: [], loaded_at: null };
    },

    // Load a park's day anew; whoever else is logged in by now gets a page of their own.
    async load(park) {
      const sent = Date.now();
      const response = await gateSync.ask(`${config.urls.today}?park=${park}`);
      if (!response.ok) return;
      const fresh = await response.json();
      if (fresh.user !== config.user) {
        location.reload();
        return;
      }
      const found = (day?.shipments ?? []).filter(
        (one) => one.was_sought && !fresh.shipments.some((other) => other.token === one.token),
      );
      const clock_offset = Date.parse(fresh.now) - (sent + Date.now()) / 2;
      day = { ...fresh, shipments: [...fresh.shipments, ...found], loaded_at: new Date().toISOString(), clock_offset };
      await gateStore.keep(`day-${park}`, day);
    },

    shipments() {
      return (day?.shipments ?? []).map(layOver);
    },

    toCome() {
      return this.shipments().filter((one) => TO_COME.includes(one.status) && !one.was_sought);
    },

    here() {
      return this.shipments().filter((one) => !TO_COME.includes(one.status) && !GONE.includes(one.status));
    },

    // Find by the code of a shipment, a lot or a package, or by a number or a plate.
    find(text) {
      const code = codeOf(text);
      const sought = folded(code);
      if (!sought) return null;
      for (const shipment of this.shipments()) {
        const lot = shipment.lots.find((one) => one.token === code || one.packages.includes(code));
        if (lot) return { shipment, lot };
        if (shipment.token === code || folded(shipment.number) === sought || folded(shipment.vehicle) === sought) {
          return { shipment, lot: null };
        }
      }
      return null;
    },

    // Ask the server for what is not in the day's list, and keep it beside the list.
    async seek(text) {
      const code = codeOf(text);
      const response = await gateSync.ask(`${config.urls.find}?park=${day.park}&code=${encodeURIComponent(code)}`);
      if (!response.ok) return null;
      const shipment = { ...(await response.json()), was_sought: true };
      day.shipments = [...day.shipments.filter((one) => one.token !== shipment.token), shipment];
      await gateStore.keep(`day-${day.park}`, day);
      return this.find(code);
    },

    // What nobody here knows is recorded by its code all the same.
    unknown(code) {
      return {
        token: code,
        number: code,
        status: "",
        lots: [],
        is_unknown: true,
        unsent: scans.filter((scan) => scan.shipment === code && scan.state === gateStore.WAITING).length,
      };
    },
  };
})();
