// The metrics of an endpoint, and the table of docs/metrics.md.

/** Limit of label values that a row lists. */
const MOST = 6

/** All metrics with type, help, and the values of their labels, in the order of the text. Needs `dist` and the addon. */
export async function metrics() {
  const { createEndpoint } = await import('../dist/index.js')
  const endpoint = await createEndpoint({ network: 'loopback' })
  const text = endpoint.metrics()
  await endpoint.close()
  const families = text.split(/^(?=# HELP )/m).filter(family => family !== '')
  return families.map(family => {
    const [, name, help] = /^# HELP (\S+) (.*)/.exec(family)
    const [, type] = /^# TYPE \S+ (\S+)/m.exec(family)
    const labels = new Map()
    for (const [, label, value] of family.matchAll(/[{,](\w+)="([^"]*)"/g)) {
      if (label !== 'le') labels.set(label, (labels.get(label) ?? new Set()).add(value))
    }
    return { name, type, help, labels }
  })
}

/** The table of docs/metrics.md. */
export function metricsTable(families) {
  return `| metric | type | labels | meaning |\n|---|---|---|---|\n${families.map(row).join('')}`
}

function row({ name, type, help, labels }) {
  const texts = [...labels].map(([label, values]) =>
    values.size > MOST ? `\`${label}\`` : `\`${label}\`: ${list(values)}`
  )
  return `| \`${name}\` | ${type} | ${texts.join('; ')}${texts.length > 0 ? ' ' : ''}| ${help} |\n`
}

/** Words in the form of a page's list. */
export function list(words) {
  return [...words].map(word => `\`${word}\``).join(', ')
}
