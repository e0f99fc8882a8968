const WIDTH = 300;
const HEIGHT = 190;
const COLUMNS = 2;
const MARGIN = { left: 56, right: 16, top: 34, bottom: 34 };

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('`', '');

/** Small drawings of how figures grow, both axes by powers of ten: what is flat does not grow. */
export function plots(series) {
  const rows = Math.ceil(series.length / COLUMNS);
  const drawings = series.map((one, index) => {
    const [x, y] = [(index % COLUMNS) * WIDTH, Math.floor(index / COLUMNS) * HEIGHT];
    return `<g transform="translate(${x} ${y})">${plot(one)}</g>`;
  });
  const size = `width="${COLUMNS * WIDTH}" height="${rows * HEIGHT}" viewBox="0 0 ${COLUMNS * WIDTH} ${rows * HEIGHT}"`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="system-ui, sans-serif" font-size="11">\n` +
    `<rect width="100%" height="100%" fill="#fff"/>\n${drawings.join('\n')}\n</svg>\n`
  );
}

function plot({ what, unit, points }) {
  const figures = points.map(({ figure }) => figure).filter((figure) => figure > 0);
  const x = axis(points[0].count, points.at(-1).count, MARGIN.left, WIDTH - MARGIN.right);
  const y = axis(Math.min(...figures), Math.max(...figures), HEIGHT - MARGIN.bottom, MARGIN.top);
  const line = points.map(({ count, figure }) => `${x.at(count)},${y.at(Math.max(figure, y.low))}`);
  const [title, measure] = [what.slice(0, what.lastIndexOf(',')), what.slice(what.lastIndexOf(',') + 2)];
  return [
    `<text x="${MARGIN.left}" y="16" font-weight="600" fill="#1f2328">${escaped(title.length > 48 ? title.slice(0, 46) + '…' : title)}</text>`,
    `<text x="${MARGIN.left}" y="29" fill="#59636e">${escaped(measure)}, by the number of ${escaped(unit)}</text>`,
    ...y.ticks.map(
      (tick) =>
        `<path d="M${MARGIN.left} ${y.at(tick)}H${WIDTH - MARGIN.right}" stroke="#d1d9e0"/>` +
        `<text x="${MARGIN.left - 6}" y="${y.at(tick) + 4}" text-anchor="end" fill="#59636e">${tick.toLocaleString('en')}</text>`,
    ),
    ...x.ticks.map(
      (tick) =>
        `<text x="${x.at(tick)}" y="${HEIGHT - MARGIN.bottom + 16}" text-anchor="middle" fill="#59636e">${short(tick)}</text>`,
    ),
    `<polyline points="${line.join(' ')}" fill="none" stroke="#0969da" stroke-width="2"/>`,
    ...line.map((point) => `<circle cx="${point.split(',')[0]}" cy="${point.split(',')[1]}" r="3" fill="#0969da"/>`),
  ].join('\n');
}

/** By powers of ten, from the one at or before the least to the one at or after the most. */
function axis(least, most, from, to) {
  const [low, high] = [
    Math.floor(Math.log10(least)),
    Math.max(Math.ceil(Math.log10(most)), Math.floor(Math.log10(least)) + 1),
  ];
  const at = (value) => Math.round((from + ((Math.log10(value) - low) / (high - low)) * (to - from)) * 10) / 10;
  return { at, low: 10 ** low, ticks: Array.from({ length: high - low + 1 }, (_, n) => 10 ** (low + n)) };
}

const short = (count) => (count >= 1e6 ? `${count / 1e6}M` : count >= 1e3 ? `${count / 1e3}k` : String(count));
