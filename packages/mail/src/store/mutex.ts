/** Runs one task at a time, in the order of the calls. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve()

  async run<Result>(task: () => Promise<Result>): Promise<Result> {
    const before = this.#last
    const done = before.then(task, task)
    this.#last = done.catch(() => {})
    return await done
  }
}
