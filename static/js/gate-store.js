// What the gate keeps in the phone: scans until the server has them, and what it last told of the day.
"use strict";

const gateStore = (() => {
  const NAME = "gate";
  const VERSION = 1;
  // Answered scans are shown for a while, then forgotten: the server has them.
  const KEPT_MS = 12 * 3600 * 1000;
  const WAITING = "waiting";
  let opening;

  function answered(request) {
    return new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  }

  function open() {
    opening ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(NAME, VERSION);
      request.onupgradeneeded = () => {
        request.result.createObjectStore("scans", { keyPath: "key" });
        request.result.createObjectStore("kept", { keyPath: "name" });
      };
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    return opening;
  }

  // Do the work in one transaction, and resolve when it is on the disk.
  async function within(name, mode, work) {
    const database = await open();
    const transaction = database.transaction(name, mode, { durability: "strict" });
    const done = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error);
    });
    const result = await work(transaction.objectStore(name));
    await done;
    return result;
  }

  const inOrder = (scans) =>
    scans.sort((one, other) => one.recorded_at.localeCompare(other.recorded_at) || one.order - other.order);

  return {
    WAITING,

    async scans() {
      return inOrder(await within("scans", "readonly", (store) => answered(store.getAll())));
    },

    put(...scans) {
      return within("scans", "readwrite", (store) => Promise.all(scans.map((scan) => answered(store.put(scan)))));
    },

    // Write what the server answered, unless the person dropped or replaced the scan meanwhile.
    settle(changes) {
      return within("scans", "readwrite", async (store) => {
        for (const [key, change] of changes) {
          const scan = await answered(store.get(key));
          if (scan) await answered(store.put({ ...scan, ...change }));
        }
      });
    },

    // Take one scan away and write others in its place, or nothing of it.
    replace(key, ...scans) {
      return within("scans", "readwrite", (store) =>
        Promise.all([answered(store.delete(key)), ...scans.map((scan) => answered(store.put(scan)))]),
      );
    },

    async forgetOld(now) {
      const old = (await this.scans()).filter(
        (scan) => scan.state === "done" && now - Date.parse(scan.answered_at) > KEPT_MS,
      );
      if (old.length) {
        await within("scans", "readwrite", (store) => Promise.all(old.map((scan) => answered(store.delete(scan.key)))));
      }
    },

    async recall(name) {
      return (await within("kept", "readonly", (store) => answered(store.get(name))))?.value;
    },

    keep(name, value) {
      return within("kept", "readwrite", (store) => answered(store.put({ name, value })));
    },
  };
})();
