/** Writes a number of bytes for a person: `1.2 MB`. */
export function formatSize(bytes: number): string {
  if (bytes < 999.5) return `${Math.round(bytes)} B`
  let value = bytes
  let unit = ''
  for (unit of ['kB', 'MB', 'GB', 'TB', 'PB']) {
    value /= 1000
    if (value < 999.5) break
  }
  return `${value < 9.95 ? value.toFixed(1) : value.toFixed(0)} ${unit}`
}
