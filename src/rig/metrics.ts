/** The metrics of an endpoint. */
export interface LabelledMetrics {
  readonly id52: string
  /** Prometheus text. */
  readonly text: string
}

/** Metrics of several endpoints as one text: each sample gets the label `endpoint`, and the samples of a family are grouped, as the format requires. */
export function mergeMetrics(all: readonly LabelledMetrics[]): string {
  const families = new Map<string, { head: string[]; samples: string[] }>()
  for (const { id52, text } of all) {
    let family = { head: [] as string[], samples: [] as string[] }
    for (const line of text.split('\n')) {
      const name = /^# (?:HELP|TYPE) (\S+)/.exec(line)?.[1]
      if (name !== undefined) {
        family = families.get(name) ?? { head: [], samples: [] }
        families.set(name, family)
        if (!family.head.includes(line)) family.head.push(line)
      } else if (line !== '' && !line.startsWith('#')) family.samples.push(labelled(line, id52))
    }
  }
  const lines = [...families.values()].flatMap(({ head, samples }) => [...head, ...samples])
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`
}

function labelled(sample: string, id52: string): string {
  return sample.replace(/^([\w:]+)(?:\{(.*)\})? /, (_, name, labels) => {
    const rest = labels === undefined || labels === '' ? '' : `,${labels}`
    return `${name}{endpoint="${id52}"${rest}} `
  })
}
