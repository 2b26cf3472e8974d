// The canvas's poster as a team on Node would make it: the same picture, text and fonts, with
// satori (layout and SVG) and resvg (pixels and PNG). Other kinds are the same design in other
// sizes. `node render.mjs <example.json> <fonts> <rounds> [folder]` has the output format of
// bench-render.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Resvg } from '@resvg/resvg-js';
import satori from 'satori';

const [, , example, fontFolder, rounds, folder] = process.argv;
const { data } = JSON.parse(readFileSync(example, 'utf8'));
const font = (name, file, weight) => ({ name, weight, style: 'normal', data: readFileSync(join(fontFolder, file)) });
const fonts = [
  font('Display', 'BricolageGrotesque-ExtraBold.ttf', 800),
  font('Text', 'Inter-Regular.ttf', 400),
  font('Text', 'Inter-SemiBold.ttf', 600),
];
const SIZES = JSON.parse(process.env.SIZES);
const [ground, dark, light, lime, lilac, white] = ['#14209c', '#243db6', '#4a76f0', '#cde645', '#bb9ff0', '#f2f4ff'];

const element = (type, style, ...children) => ({ type, props: { style: { display: 'flex', ...style }, children } });
const text = (size, color, content, more = {}) => element('div', { fontSize: size, color, fontFamily: 'Text', ...more }, content);

/** Draws rays and rings, as the canvas does. */
function picture(width, height) {
  const [x, y, far] = [width / 2, height, Math.hypot(width, height)];
  const point = (angle) => `${x + far * Math.cos(angle)},${y - far * Math.sin(angle)}`;
  const rays = Array.from({ length: 12 }, (_, n) => `<polygon fill="${light}" points="${x},${y} ${point((n * 2 * Math.PI) / 24)} ${point(((n * 2 + 1) * Math.PI) / 24)}"/>`);
  const rings = [[0.78, lime], [0.62, dark], [0.47, light], [0.31, dark], [0.155, lilac]].map(
    ([radius, fill]) => `<circle cx="${x}" cy="${y}" r="${radius * height}" fill="${fill}"/>`);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="${dark}"/>${rays.join('')}${rings.join('')}</svg>`;
  return { type: 'img', props: { src: `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`, width, height } };
}

function design(width, height) {
  const unit = Math.min(width, height) / 1080;
  const tall = Math.round(height * 0.326);
  const begins = new Date(data.startsAt);
  return element('div', { flexDirection: 'column', width, height, background: ground },
    picture(width, tall),
    element('div', { flexDirection: 'column', padding: `${40 * unit}px ${72 * unit}px` },
      text(28 * unit, lime, `Presented by ${data.organizer ?? ''}`, { fontWeight: 600 }),
      text(152 * unit, white, data.title, { fontFamily: 'Display', fontWeight: 800, lineHeight: 1.05 }),
      text(30 * unit, '#c6cbf2', data.description ?? '', { lineHeight: 1.45 }),
      element('div', { height: 3, background: white, margin: `${24 * unit}px 0` }),
      element('div', { justifyContent: 'space-between' },
        text(150 * unit, lime, String(begins.getUTCDate()), { fontFamily: 'Display', fontWeight: 800 }),
        element('div', { flexDirection: 'column' },
          text(36 * unit, white, begins.toLocaleDateString('en', { month: 'long', year: 'numeric' }), { fontWeight: 600 }),
          text(28 * unit, '#c6cbf2', begins.toLocaleTimeString('en'))),
        element('div', { flexDirection: 'column' },
          text(36 * unit, white, data.venue?.name ?? '', { fontWeight: 600 }),
          text(28 * unit, '#c6cbf2', `${data.venue?.address ?? ''}, ${data.venue?.city ?? ''}`)))));
}

for (const [kind, [width, height]] of Object.entries(SIZES)) {
  const spent = [];
  let png;
  writeFileSync('/proc/self/clear_refs', '5'); // the largest resident set counts anew
  for (let round = 0; round < Number(rounds); round++) {
    const before = process.cpuUsage();
    const svg = await satori(design(width, height), { width, height, fonts });
    png = new Resvg(svg).render().asPng();
    const { user, system } = process.cpuUsage(before);
    spent.push(user + system);
    if (folder) writeFileSync(join(folder, `${kind}.png`), png);
  }
  const memory = 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  console.log(kind, spent.sort((a, b) => a - b)[Math.floor(spent.length / 2)], png.length, memory);
}
