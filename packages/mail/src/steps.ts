import { channel } from 'node:diagnostics_channel'

const steps = channel('fastn-mail:step')

/** Publishes a completed step of a delivery on the diagnostics channel `fastn-mail:step`, where tests kill the process. */
export function step(name: string, id: string): void {
  if (steps.hasSubscribers) steps.publish({ name, id })
}
