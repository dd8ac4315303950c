import { createInterface } from 'node:readline'

/** Commands of a program, as lines `{ id, do, given }`. It prints `{ id, answer }` or `{ id, error }`. */
export type Handlers<Commands> = {
  readonly [Name in keyof Commands]: Commands[Name] extends { given: infer Given; answer: infer Answer }
    ? (given: Given) => Answer | Promise<Answer>
    : never
}

/** Prints `ready`, then obeys commands until stdin ends. */
export async function drive<Commands>(ready: unknown, handlers: Handlers<Commands>): Promise<void> {
  say({ id: 0, answer: ready })
  for await (const line of createInterface(process.stdin)) {
    const { id, do: name, given } = JSON.parse(line) as { id: number; do: keyof Commands; given: never }
    Promise.resolve(given)
      .then(handlers[name])
      .then(
        answer => say({ id, answer: answer ?? null }),
        error => say({ id, error: String(error?.stack ?? error) })
      )
  }
}

function say(message: unknown): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}
