// Draws bar charts as SVG, for report.mjs. Readable on light and dark pages.

const width = 880
const [panelWidth, panelGap, edge] = [412, 24, 16]
const [barHeight, barGap, labelWidth, valueWidth] = [16, 8, 150, 62]

/**
 * One panel per measure, two in a row.
 *
 * @param {string} title Read by screen readers.
 * @param {{ title: string, better: 'more' | 'less', bars: { label: string, value: number, text: string, kind: 'own' | 'bound' | 'other' }[] }[]} panels
 * @param {string} note Text below the panels.
 */
export function plot(title, panels, note) {
  const panelHeight = 50 + Math.max(...panels.map(panel => panel.bars.length)) * (barHeight + barGap)
  const height = edge + Math.ceil(panels.length / 2) * panelHeight + 30
  const drawn = panels.map((panel, index) => {
    const x = edge + (index % 2) * (panelWidth + panelGap)
    const y = edge + Math.floor(index / 2) * panelHeight
    return drawPanel(panel, x, y)
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title">
  <title id="title">${xml(title)}</title>
  <style>
    text { font-family: ui-sans-serif, system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 12.5px; fill: #1f2328 }
    .title { font-size: 14px; font-weight: 600 }
    .small { fill: #57606a }
    .end { text-anchor: end }
    .card { fill: #ffffff; stroke: #d0d7de }
    .own { fill: #0969da } .other { fill: #8c959f } .bound { fill: #d0d7de }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .small { fill: #9da7b3 }
      .card { fill: #0d1117; stroke: #30363d }
      .own { fill: #58a6ff } .other { fill: #6e7681 } .bound { fill: #30363d }
    }
  </style>
  <rect class="card" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10"/>
${drawn.join('\n')}
  <text class="small" x="${edge}" y="${height - 14}">${xml(note)}</text>
</svg>
`
}

function drawPanel({ title, better, bars }, x, y) {
  const most = Math.max(...bars.map(bar => bar.value))
  const room = panelWidth - labelWidth - valueWidth
  const lines = bars.flatMap(({ label, value, text, kind }, index) => {
    const top = y + 34 + index * (barHeight + barGap)
    const length = Math.max((value / most) * room, 1).toFixed(1)
    return [
      `  <text class="end" x="${x + labelWidth - 8}" y="${top + 12}">${xml(label)}</text>`,
      `  <rect class="${kind}" x="${x + labelWidth}" y="${top}" width="${length}" height="${barHeight}" rx="2"/>`,
      `  <text x="${(x + labelWidth + Number(length) + 6).toFixed(1)}" y="${top + 12}">${xml(text)}</text>`
    ]
  })
  return [
    `  <text class="title" x="${x}" y="${y + 18}">${xml(title)}</text>`,
    `  <text class="small end" x="${x + panelWidth}" y="${y + 18}">${better} is better</text>`,
    ...lines
  ].join('\n')
}

const xml = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
