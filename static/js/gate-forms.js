// What is asked before something is recorded, and the scans that come of it.
"use strict";

const gateForms = (() => {
  const { say, element } = gateCards;
  const byId = (id) => document.getElementById(id);
  let config;
  let device;
  let order = 0;
  // What the open dialog is about: {kind, shipment, lots, replaces}.
  let open;

  const organisation = () => config.parks.find((park) => park.id === gateDay.park)?.organisation;

  function scan(kind, shipment, changes = {}) {
    order += 1;
    return {
      key: crypto.randomUUID(),
      order,
      by: config.user,
      organisation: organisation(),
      token: shipment.token,
      shipment: shipment.token,
      number: shipment.vehicle || shipment.number,
      kind,
      recorded_at: new Date(gateDay.now()).toISOString(),
      data: {},
      facility: null,
      device,
      note: "",
      photos: [],
      state: gateStore.WAITING,
      ...changes,
    };
  }

  function number(text, message) {
    const value = text.trim().replace(",", ".");
    if (!value) return "";
    if (!/^\d+(\.\d+)?$/.test(value) || Number(value) <= 0) throw new RangeError(say("wrong_number", { value: text }));
    return message ? value : String(Number(value));
  }

  function lotRows(lots, kind) {
    return lots.map((lot, place) => {
      const quantity = kind === "counted" ? lot.stored_quantity : lot.quantity;
      const id = `entry-lot-${place}`;
      const input = element("input", {
        id, inputmode: "decimal", autocomplete: "off", "data-lot": lot.token,
        value: quantity ? String(Number(quantity)) : "",
      });
      const label = `${lot.number} ${lot.description ?? ""} (${lot.unit_name ?? ""})`.replace(" ()", "");
      return element("div", { class: "gate-field" }, element("label", { for: id }, label), input);
    });
  }

  function lotsFor(kind, shipment, lot) {
    if (!shipment.lots.length) return [{ token: shipment.token, number: say("lot"), quantity: "" }];
    if (lot) return [lot];
    const stored = shipment.lots.filter((one) => Number(one.stored_quantity) > 0);
    if (kind === "counted") return stored.length ? stored : shipment.lots;
    const rest = shipment.lots.filter((one) => !(Number(one.stored_quantity) > 0));
    return rest.length ? rest : shipment.lots;
  }

  // Ask what a scan of this kind needs; with ``old`` its fields are filled in and it is replaced.
  function ask(kind, shipment, lot, old = null) {
    const asksLots = kind === "stored" || kind === "counted";
    open = { kind, shipment, replaces: old?.key ?? null };
    byId("entry").reset();
    byId("dialog-title").textContent = config.kinds[kind];
    byId("dialog-about").textContent = `${shipment.vehicle || ""} ${shipment.number}`.trim();
    byId("entry-error").hidden = true;
    byId("net").textContent = "";
    for (const part of byId("entry").querySelectorAll("[data-for]")) {
      const wanted = part.dataset.for;
      part.hidden = !(wanted === kind || (wanted === "lots" && asksLots) || (wanted === "code" && old));
    }
    const lots = asksLots ? (old ? [{ token: old.token, number: old.number, quantity: old.data.quantity, stored_quantity: old.data.quantity }] : lotsFor(kind, shipment, lot)) : [];
    byId("entry-lots").replaceChildren(...lotRows(lots, kind));
    const warehouses = gateDay.warehouses.map((one) => element("option", { value: one.id }, `${one.code} ${one.name}`));
    byId("entry-facility").replaceChildren(element("option", { value: "" }, ""), ...warehouses);
    byId("entry-facility").value = String(old?.facility ?? shipment.warehouse ?? (gateDay.warehouses.length === 1 ? gateDay.warehouses[0].id : ""));
    if (old) {
      byId("entry-code").value = old.token;
      byId("entry-gross").value = old.data.gross_kg ?? "";
      byId("entry-tare").value = old.data.tare_kg ?? "";
      byId("entry-reason").value = old.data.reason ?? "";
      byId("entry-note").value = old.note;
    }
    byId("dialog").showModal();
    const first = kind === "weighed" && shipment.gross_weight_kg && !old ? byId("entry-tare") : null;
    (first ?? byId("entry").querySelector("[data-for]:not([hidden]) input, #entry-note")).focus();
  }

  function weights(shipment) {
    const gross_kg = number(byId("entry-gross").value, true);
    const tare_kg = number(byId("entry-tare").value, true);
    if (!gross_kg && !tare_kg) throw new RangeError(say("need_weight"));
    const gross = gross_kg || shipment.gross_weight_kg;
    const tare = tare_kg || shipment.tare_weight_kg;
    if (gross && tare && Number(gross) < Number(tare)) throw new RangeError(say("less_than_tare"));
    return { ...(gross_kg && { gross_kg }), ...(tare_kg && { tare_kg }) };
  }

  function lotScans(kind, shipment, common) {
    const facility = Number(byId("entry-facility").value) || null;
    if (kind === "stored" && !facility) throw new RangeError(say("need_facility"));
    const warehouse = gateDay.warehouses.find((one) => one.id === facility);
    const reason = byId("entry-reason").value.trim();
    const inputs = [...byId("entry-lots").querySelectorAll("[data-lot]")];
    const filled = inputs.map((input) => [input, kind === "counted" && Number(input.value) === 0 && input.value.trim() ? "0" : number(input.value)]).filter(([, quantity]) => quantity);
    if (!filled.length) throw new RangeError(say("need_lot"));
    return filled.map(([input, quantity]) =>
      scan(kind, shipment, {
        ...common,
        token: open.replaces ? common.token : input.dataset.lot,
        data: kind === "counted" ? { quantity, reason } : { quantity, facility },
        facility: kind === "stored" ? facility : null,
        place: kind === "stored" ? warehouse?.name : "",
      }),
    );
  }

  async function entered() {
    const { kind, shipment, replaces } = open;
    const photos = await Promise.all([...byId("entry-photos").files].map(gateCamera.shrink));
    const note = byId("entry-note").value.trim();
    const common = { note, photos };
    if (replaces) {
      const token = gateDay.codeOf(byId("entry-code").value);
      if (!token) throw new RangeError(say("need_code"));
      common.token = token;
    }
    if (kind === "stored" || kind === "counted") return lotScans(kind, shipment, common);
    if (kind === "weighed") return [scan(kind, shipment, { ...common, data: weights(shipment) })];
    if (kind === "noted" && !note && !photos.length) throw new RangeError(say("need_note"));
    return [scan(kind, shipment, common)];
  }

  function showNet() {
    const gross = Number(byId("entry-gross").value.replace(",", ".") || open.shipment.gross_weight_kg);
    const tare = Number(byId("entry-tare").value.replace(",", ".") || open.shipment.tare_weight_kg);
    const net = gross - tare;
    byId("net").textContent = gross > 0 && tare > 0 && net >= 0 ? `${say("net")} ${say("kg", { value: gateCards.plain(net) })}` : "";
  }

  return {
    ask,
    scan,

    start(settings, name, record) {
      config = settings;
      device = name;
      byId("entry-gross").addEventListener("input", showNet);
      byId("entry-tare").addEventListener("input", showNet);
      byId("entry-cancel").addEventListener("click", () => byId("dialog").close());
      byId("entry").addEventListener("submit", async (event) => {
        event.preventDefault();
        byId("entry-save").disabled = true;
        try {
          const scans = await entered();
          await record(scans, open.replaces);
          byId("dialog").close();
        } catch (error) {
          byId("entry-error").textContent = error.message;
          byId("entry-error").hidden = false;
        } finally {
          byId("entry-save").disabled = false;
        }
      });
    },
  };
})();
