/** Files in one: a zip that stores them as they are, because pictures are compressed already. */

const TABLE = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});
const UTF8_NAMES = 0x0800;
const VERSION = 20;
const FIRST_DAY = 0x21; // 1 January 1980

/** @param {{name: string, data: Uint8Array}[]} files less than 4 GB together @returns {Blob} */
export function zip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { name, data } of files) {
    const path = new TextEncoder().encode(name);
    const facts = factsOf(path, data);
    const head = [number(0x04034b50, 4), facts, path];
    parts.push(...head, data);
    directory.push(
      number(0x02014b50, 4),
      number(VERSION, 2),
      facts,
      new Uint8Array(10),
      number(offset, 4),
      path,
    );
    offset += lengthOf(head) + data.length;
  }
  const count = number(files.length, 2);
  const end = [
    number(0x06054b50, 4),
    new Uint8Array(4),
    count,
    count,
    number(lengthOf(directory), 4),
    number(offset, 4),
    new Uint8Array(2),
  ];
  return new Blob([...parts, ...directory, ...end], { type: "application/zip" });
}

/** What both heads of a file say. */
function factsOf(path, data) {
  const fields = [
    [VERSION, 2],
    [UTF8_NAMES, 2],
    [0, 2],
    [0, 2],
    [FIRST_DAY, 2],
    [crc32(data), 4],
    [data.length, 4],
    [data.length, 4],
    [path.length, 2],
    [0, 2],
  ];
  const bytes = new Uint8Array(26);
  let at = 0;
  for (const [value, size] of fields) {
    bytes.set(number(value, size), at);
    at += size;
  }
  return bytes;
}

function crc32(data) {
  let crc = 0xffffffff;
  for (const byte of data) crc = TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** The smallest byte first. */
function number(value, size) {
  return Uint8Array.from({ length: size }, (_, index) => (value >>> (8 * index)) & 0xff);
}

function lengthOf(parts) {
  return parts.reduce((sum, part) => sum + part.length, 0);
}
