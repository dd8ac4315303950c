const loads: (() => Promise<void>)[] = []

/**
 * Code that only an endpoint needs. {@link loadLate} loads it, so that an import of the package does not compile it.
 *
 * @returns A function that returns the code, once it is loaded.
 */
export function late<Code>(load: () => Promise<Code>): () => Code {
  let code: Code | undefined
  loads.push(async () => {
    code ??= await load()
  })
  return () => {
    if (code === undefined) throw new Error('fastn-net has a bug: it needed code of endpoints before any endpoint')
    return code
  }
}

/** Loads all code that is {@link late}. Each endpoint does, while its sockets are bound. */
export async function loadLate(): Promise<void> {
  await Promise.all(loads.map(load => load()))
}
