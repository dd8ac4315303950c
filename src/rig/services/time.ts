const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** Milliseconds of a time such as `500ms`, `10s`, `1.5m` or `10` (seconds); `undefined` if it is invalid. */
export function millisecondsOf(text: string): number | undefined {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? []
  const scale = units[unit]
  return number === undefined || scale === undefined ? undefined : Number(number) * scale
}
