/** Number of each thing that is opened and ended. */
export const counts = { streams: 100_000, requests: 10_000, connections: 1_000, endpoints: 200, workers: 100 }

export type ThingName = keyof typeof counts

/** `closes`: ended as documented; otherwise left open. `holds`: the objects stay referenced afterwards. */
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
  /** Whether it opens all of {@link counts}, not a part. */
  readonly isWhole: boolean
}

/** Result of a case, printed by its process. */
export interface Result {
  readonly summary: string
  readonly wrong: readonly string[]
}
