// The libraries are installed for these tests only, so their types are missing when the other tests are compiled.

/** The module of a library. */
// biome-ignore lint/suspicious/noExplicitAny: it has no types here.
export async function load(name: string): Promise<any> {
  return await import(name)
}
