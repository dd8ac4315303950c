/** The way in which a program of the matrix ends. */
export type Way = 'end' | 'close' | 'exit' | 'throw' | 'reject' | 'signal' | 'kill' | 'worker' | 'workers end' | 'fork'

interface Expected {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  /** Whether only the planned error is printed. */
  readonly error: boolean
}

const clean: Expected = { code: 0, signal: null, stdout: 'ready\n', error: false }

export const ways: Record<Way, Expected> = {
  end: clean,
  close: { ...clean, stdout: '' },
  exit: { ...clean, code: 7, stdout: '' },
  throw: { code: 1, signal: null, stdout: '', error: true },
  reject: { code: 1, signal: null, stdout: '', error: true },
  signal: { ...clean, code: null, signal: 'SIGTERM' },
  kill: { ...clean, code: null, signal: 'SIGKILL' },
  worker: { ...clean, stdout: '7\nready\n' },
  'workers end': clean,
  fork: { ...clean, stdout: 'fork ended with 0\nready\n' }
}

/** Number of steps at which the program can end. */
export const steps = 12
