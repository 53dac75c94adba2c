/** Files of a drop, a paste or a picker, with those in folders below. */

/** @typedef {{file: File, path: string}} Found `path` begins with the folder, where there is one */

/** Files of the system that lie in every folder of photos. */
const OF_THE_SYSTEM = /^(\..*|thumbs\.db|desktop\.ini|.*\.(aae|thm|xml))$/i;

/** @param {FileList | readonly File[]} files @returns {Found[]} */
export function fromPicker(files) {
  return [...files].map((file) => ({ file, path: file.webkitRelativePath || file.name })).filter(isWanted);
}

/** @param {DataTransfer} data read at once: it is empty after the event @returns {Promise<Found[]>} */
export async function fromTransfer(data) {
  const entries = [...data.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry());
  const plain = [...data.files];
  if (!entries.some(Boolean)) return fromPicker(plain);
  /** @type {Found[]} */ const found = [];
  for (const entry of entries) if (entry) await visit(entry, "", found);
  return found.filter(isWanted);
}

/** @param {Found} found */
const isWanted = ({ file }) => !OF_THE_SYSTEM.test(file.name);

/** @param {FileSystemEntry} entry @param {string} folder @param {Found[]} found */
async function visit(entry, folder, found) {
  if (entry.name.startsWith(".")) return;
  const path = folder ? `${folder}/${entry.name}` : entry.name;
  if (entry.isFile) {
    const file = await new Promise((resolve) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, () => resolve(null)));
    if (file) found.push({ file, path });
    return;
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  for (;;) {
    /** A browser gives a hundred at a time, then none. @type {FileSystemEntry[]} */
    const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (!some.length) return;
    for (const each of some) await visit(each, path, found);
  }
}
