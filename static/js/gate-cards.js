// Draws the gate's lists and cards; takes what is to be shown, and changes nothing.
"use strict";

const gateCards = (() => {
  const NEXT = { dispatched: "arrived", arrived: "weighed", weighed: "stored", inspected: "stored", stored: "handed_over" };
  const GOOD = ["stored", "handed_over", "received"];
  let config;

  function say(name, values = {}) {
    return config.texts[name].replace(/%\((\w+)\)s/g, (_, key) => values[key]);
  }

  function element(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
    return node;
  }

  function time(moment) {
    if (!moment) return "";
    const at = new Date(moment);
    // By the clock of the park, wherever the phone thinks it is.
    const timeZone = config.time_zone;
    const isToday = at.toLocaleDateString("en", { timeZone }) === new Date().toLocaleDateString("en", { timeZone });
    const day = isToday ? {} : { month: "numeric", day: "numeric" };
    return at.toLocaleString(config.language, { timeZone, ...day, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  }

  const plain = (quantity) => Number(quantity).toLocaleString("en", { maximumFractionDigits: 3 });
  const kilograms = (value) => say("kg", { value: plain(value) });
  const counted = (lot) => `${plain(lot.quantity)} ${lot.unit_name}`;

  function badge(shipment) {
    if (!shipment.status) return null;
    const kind = shipment.is_late ? "is-bad" : GOOD.includes(shipment.status) ? "is-good" : "";
    const text = shipment.is_late ? `${config.statuses[shipment.status]} · ${say("late")}` : config.statuses[shipment.status];
    return element("span", { class: `gate-badge ${kind}`, "data-status": shipment.status }, text);
  }

  function unsent(shipment) {
    return shipment.unsent ? element("span", { class: "gate-badge is-warn" }, say("not_sent")) : null;
  }

  function row(shipment) {
    const title = shipment.vehicle || shipment.number;
    const goods = shipment.lots.map((lot) => `${lot.description} ${counted(lot)}`).join("; ");
    return element(
      "a",
      { class: "gate-row", href: `#shipment=${encodeURIComponent(shipment.token)}` },
      element("b", { class: "gate-plate" }, title),
      element("span", { class: "gate-time" }, time(shipment.expected_at)),
      element("span", { class: "gate-goods" }, `${shipment.seller} · ${goods}`),
      element("span", { class: "gate-badges" }, badge(shipment), unsent(shipment)),
    );
  }

  function list(title, shipments, nothing) {
    return element(
      "section",
      { class: "gate-list" },
      element("h2", {}, `${title} (${shipments.length})`),
      shipments.length ? shipments.map(row) : element("p", { class: "gate-small" }, nothing),
    );
  }

  function day(loadedAt, toCome, here) {
    if (!loadedAt) return [element("p", { class: "gate-note is-warn" }, say("never_loaded"))];
    return [
      list(say("expected"), toCome, say("none_expected")),
      list(say("here"), here, say("none_here")),
    ];
  }

  function facts(pairs) {
    const rows = pairs.filter(([, value]) => value);
    return element("dl", { class: "gate-facts" }, rows.flatMap(([label, value]) => [
      element("dt", {}, label),
      element("dd", {}, value),
    ]));
  }

  function lotRow(lot, isScanned) {
    const stock = Number(lot.stored_quantity) > 0
      ? `${say("in_stock")} ${plain(lot.stored_quantity)} ${lot.unit_name} ${lot.facility_name ?? ""}`
      : config.lot_statuses[lot.status];
    return element(
      "li",
      { class: isScanned ? "is-scanned" : "" },
      element("b", {}, lot.number),
      ` ${lot.description} · ${counted(lot)}`,
      element("span", { class: "gate-small" }, ` ${stock} · ${lot.buyer}`),
    );
  }

  function shipment(one, scannedLot) {
    if (one.is_unknown) {
      return [
        element("h1", { class: "gate-code" }, one.number),
        element("p", { class: "gate-note is-warn" }, say("unknown_offline")),
        element("p", { class: "gate-badges" }, unsent(one)),
      ];
    }
    const phone = one.driver_phone ? element("a", { href: `tel:${one.driver_phone}` }, one.driver_phone) : "";
    const weights = [["gross", one.gross_weight_kg], ["tare", one.tare_weight_kg], ["net", one.net_weight_kg]];
    return [
      element("h1", {}, one.vehicle || one.number),
      element("p", { class: "gate-badges" }, badge(one), unsent(one)),
      facts([
        ["", one.vehicle ? one.number : ""],
        [say("seller"), one.seller],
        [say("buyers"), [...new Set(one.lots.map((lot) => lot.buyer))].join(", ")],
        [say("expected_at"), time(one.expected_at)],
        [say("dock"), one.dock],
        [say("driver"), one.driver_name || phone ? element("span", {}, `${one.driver_name} `, phone) : ""],
        ...weights.map(([name, value]) => [say(name), value ? kilograms(value) : ""]),
      ]),
      element("ul", { class: "gate-lots" }, one.lots.map((lot) => lotRow(lot, lot.token === scannedLot))),
    ];
  }

  // What a scan says, for people: "Weighed: gross 12,300 kg".
  function told(scan) {
    const { gross_kg, tare_kg, quantity, reason } = scan.data ?? {};
    const parts = [
      gross_kg && `${say("gross")} ${kilograms(gross_kg)}`,
      tare_kg && `${say("tare")} ${kilograms(tare_kg)}`,
      quantity && plain(quantity),
      scan.place,
      reason,
      scan.note,
    ];
    return [config.kinds[scan.kind], parts.filter(Boolean).join(", ")].filter(Boolean).join(": ");
  }

  function serverSays(scan) {
    const state = scan.server ?? {};
    const status = state.shipment_status ?? state.status;
    const weights = [["gross", state.gross_weight_kg], ["tare", state.tare_weight_kg]].filter(([, value]) => value);
    return [
      scan.message,
      config.statuses[status] ?? "",
      ...weights.map(([name, value]) => `${say(name)} ${kilograms(value)}`),
    ].filter(Boolean);
  }

  function button(action, key, text, kind = "") {
    return element("button", { type: "button", class: `gate-button ${kind}`, "data-action": action, "data-key": key }, text);
  }

  function toDecide(scan) {
    const mayApply = scan.state === "conflict" && (scan.choices ?? ["apply"]).includes("apply");
    return element(
      "article",
      { class: "gate-card is-bad", "data-key": scan.key },
      element("h3", {}, `${scan.number} · ${say(scan.state)}`),
      element("div", { class: "gate-two" },
        element("div", {},
          element("h4", {}, say("we_recorded")),
          element("p", { class: "gate-strong" }, told(scan)),
          element("p", { class: "gate-small" }, say("recorded_at", { time: time(scan.recorded_at), by: scan.by }))),
        element("div", {},
          element("h4", {}, say("server_says")),
          serverSays(scan).map((text, place) => element("p", { class: place ? "gate-small" : "gate-strong" }, text)))),
      element("div", { class: "gate-choices" },
        mayApply ? button("apply", scan.key, say("apply_now"), "is-primary") : null,
        scan.state === "refused" ? button("again", scan.key, say("send_again")) : null,
        button("edit", scan.key, say("edit")),
        button("drop", scan.key, say("drop"), "is-danger")),
    );
  }

  function line(scan, text, kind = "") {
    return element(
      "article",
      { class: "gate-card", "data-key": scan.key },
      element("p", {}, element("b", {}, scan.number), " ", told(scan)),
      element("p", { class: "gate-small" }, `${time(scan.recorded_at)} · ${scan.by} `, element("span", { class: `gate-badge ${kind}` }, text)),
    );
  }

  function queue(scans, user) {
    const decide = scans.filter((scan) => scan.state === "conflict" || scan.state === "refused");
    const waiting = scans.filter((scan) => scan.state === gateStore.WAITING);
    const done = scans.filter((scan) => scan.state === "done").reverse().slice(0, 20);
    const parts = [];
    if (!decide.length && !waiting.length) parts.push(element("p", { class: "gate-note is-good" }, say("queue_empty")));
    if (decide.length) parts.push(element("h2", {}, `${say("to_decide")} (${decide.length})`), ...decide.map(toDecide));
    if (waiting.length) {
      // Five hundred cards would keep a phone busy while it sends them.
      parts.push(element("h2", {}, say("waiting", { count: waiting.length })));
      for (const scan of waiting.slice(0, 50)) {
        parts.push(line(scan, scan.by === user ? say("waits") : say("of_another", { by: scan.by }), "is-warn"));
      }
    }
    if (done.length) parts.push(element("h2", {}, say("lately")), ...done.map((scan) => line(scan, say("done"), "is-good")));
    return parts;
  }

  return {
    NEXT,
    say,
    element,
    time,
    plain,
    day,
    shipment,
    told,
    queue,
    line,

    start(settings) {
      config = settings;
    },
  };
})();
