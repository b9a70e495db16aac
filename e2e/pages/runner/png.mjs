// Pictures of pages as small files: pages have few colours, so sixteen of them, four bits each, show them as they are.
import { writeFile } from "node:fs/promises";
import { crc32, deflateSync, inflateSync } from "node:zlib";

const palette = 16;
const grounds = 7; // the most frequent ones are the grounds of a page, which differ by little
const apart = 60; // of the others two differ by so much at least: else the shades of letters would take it all

/** small takes a picture of the window and writes it. */
export async function small(page, file) {
  await writeFile(file, indexed(await page.screenshot({ animations: "disabled", caret: "hide" })));
}

/** indexed makes of a PNG of 8-bit RGB or RGBA one with a palette: frequent colours that differ, and for the others the nearest of them. */
export function indexed(png) {
  const { width, height, channels, data } = decode(png);
  const counts = new Map();
  for (let i = 0; i < data.length; i += channels) {
    const c = (data[i] << 16) | (data[i + 1] << 8) | data[i + 2];
    counts.set(c, (counts.get(c) ?? 0) + 1);
  }
  const kept = [];
  const byCount = [...counts].sort((a, b) => b[1] - a[1]).map(([c]) => c);
  const rest = byCount.slice(grounds).sort((a, b) => counts.get(b) * colourful(b) - counts.get(a) * colourful(a));
  for (const c of [...byCount.slice(0, grounds), ...rest]) {
    if (kept.length < grounds || (kept.length < palette && kept.every((k) => distance(c, k) >= apart))) kept.push(c);
  }
  const index = new Map([...counts.keys()].map((c) => [c, kept.reduce((best, k, i) => (distance(c, k) < distance(c, kept[best]) ? i : best), 0)]));
  const line = 1 + Math.ceil(width / 2);
  const rows = Buffer.alloc(height * line);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += channels) {
      rows[y * line + 1 + (x >> 1)] |= index.get((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]) << (x & 1 ? 0 : 4);
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([4, 3, 0, 0, 0], 8);
  const colours = Buffer.from(kept.flatMap((c) => [c >> 16, (c >> 8) & 255, c & 255]));
  return Buffer.concat([signature, chunk("IHDR", head), chunk("PLTE", colours), chunk("IDAT", deflateSync(rows, { level: 9, memLevel: 9 })), chunk("IEND", Buffer.alloc(0))]);
}

// colourful weighs a colour: a word in red is few pixels and says much.
function colourful(c) {
  const parts = [c >> 16, (c >> 8) & 255, c & 255];
  return 1 + (Math.max(...parts) - Math.min(...parts)) / 4;
}

function distance(a, b) {
  return Math.hypot((a >> 16) - (b >> 16), ((a >> 8) & 255) - ((b >> 8) & 255), (a & 255) - (b & 255));
}

const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

function decode(png) {
  let width, height, channels;
  const parts = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const type = png.toString("latin1", at + 4, at + 8);
    const data = png.subarray(at + 8, at + 8 + length);
    if (type === "IHDR") {
      [width, height] = [data.readUInt32BE(0), data.readUInt32BE(4)];
      channels = { 2: 3, 6: 4 }[data[9]];
      if (data[8] !== 8 || !channels || data[12]) throw new Error("not a picture of a browser");
    }
    if (type === "IDAT") parts.push(data);
    at += length + 12;
  }
  const raw = inflateSync(Buffer.concat(parts));
  const line = width * channels;
  const data = Buffer.alloc(line * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (line + 1)];
    for (let x = 0; x < line; x++) {
      const a = x >= channels ? data[y * line + x - channels] : 0;
      const b = y ? data[(y - 1) * line + x] : 0;
      const c = x >= channels && y ? data[(y - 1) * line + x - channels] : 0;
      data[y * line + x] = raw[y * (line + 1) + 1 + x] + [0, a, b, (a + b) >> 1, paeth(a, b, c)][filter];
    }
  }
  return { width, height, channels, data };
}

function paeth(a, b, c) {
  const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}
