/** How many of a thing are opened and ended. */
export const counts = { streams: 100_000, requests: 10_000, connections: 1_000, endpoints: 200, workers: 100 }

export type ThingName = keyof typeof counts

/** `closes`: as the documentation says; otherwise they are left open. `holds`: their objects stay referenced after that. */
export interface Manner {
  readonly closes: boolean
  readonly holds: boolean
}

export const ways = {
  'closed and collected': { closes: true, holds: false },
  'closed and held': { closes: true, holds: true },
  'left open and collected': { closes: false, holds: false },
  'left open and held until their owner ends': { closes: false, holds: true }
} as const satisfies Record<string, Manner>

export type Way = keyof typeof ways

export interface Case {
  readonly thing: ThingName
  readonly way: Way
  readonly count: number
  /** All of {@link counts}, not a part. */
  readonly isWhole: boolean
}

/** What a process prints about its case. */
export interface Result {
  readonly summary: string
  readonly wrong: readonly string[]
}
