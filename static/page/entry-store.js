/** Entries that wait for the server, kept by the browser in the order in which they came. */

/**
 * @template {{order?: number}} Entry
 * @typedef {object} Store
 * @property {(entry: Entry) => Promise<void>} add
 * @property {(order: number) => Promise<void>} remove
 * @property {() => Promise<Entry[]>} all oldest first, each with its order
 */

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/**
 * The store "outbox" of a database. Browsers that refuse IndexedDB (some private windows) keep entries as long as the page lasts.
 * @template {{order?: number}} Entry
 * @param {string} name of the database
 * @returns {Promise<Store<Entry>>}
 */
export async function openStore(name) {
  try {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore("outbox", { keyPath: "order", autoIncrement: true });
    return inDatabase(await settled(request));
  } catch {
    return inMemory();
  }
}

/** @template {{order?: number}} Entry @param {IDBDatabase} database @returns {Store<Entry>} */
function inDatabase(database) {
  /** @param {IDBTransactionMode} mode */
  const store = (mode) => database.transaction("outbox", mode).objectStore("outbox");
  return {
    add: async (entry) => void (await settled(store("readwrite").add(entry))),
    remove: async (order) => void (await settled(store("readwrite").delete(order))),
    all: () => settled(store("readonly").getAll()),
  };
}

/** @template {{order?: number}} Entry @returns {Store<Entry>} */
function inMemory() {
  /** @type {Map<number, Entry>} */ const entries = new Map();
  let next = 1;
  return {
    add: async (entry) => {
      entries.set(next, { ...entry, order: next });
      next += 1;
    },
    remove: async (order) => void entries.delete(order),
    all: async () => [...entries.values()],
  };
}
