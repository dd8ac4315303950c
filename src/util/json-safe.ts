/**
 * Lets `JSON.stringify` take an object with bigints: they are shown as text, where it would throw. A peer chooses such a number, and
 * must not be able to make a program's logging fail.
 */
export function jsonSafe<T extends object>(object: T): T {
  const toJSON = () => Object.fromEntries(Object.entries(object).map(([name, value]) => [name, textOfBigint(value)]))
  return Object.defineProperty(object, 'toJSON', { value: toJSON })
}

function textOfBigint(value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
