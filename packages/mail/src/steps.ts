import { channel } from 'node:diagnostics_channel'

const steps = channel('fastn-mail:step')

/** Publishes that a step of a delivery is done, on the diagnostics channel `fastn-mail:step`. Tests end the process there. */
export function step(name: string, id: string): void {
  if (steps.hasSubscribers) steps.publish({ name, id })
}
