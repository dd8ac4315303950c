import type { Endpoint } from '../index.js'
import type { RunningService, StartService } from '../rig/services/index.js'
import { announce } from './announce.js'
import type { Context } from './context.js'
import { accessOf, withEndpoint } from './endpoint.js'
import { checkedByLibrary } from './services.js'
import { published, whilePublished } from './status/publish.js'

/** Exposes a service to the admitted peers, and prints the ticket. Runs until the command ends. */
export async function expose(
  context: Context,
  start: (allow: readonly string[] | 'public') => StartService,
  hint: string
): Promise<void> {
  const access = accessOf(context)
  await withEndpoint(
    context,
    async endpoint => {
      // Normalises any form of key to ID52s.
      const allow = endpoint.access.lists.allow ?? 'public'
      const service = await checkedByLibrary(start(allow)(endpoint, context.signal))
      await announce(context, endpoint, { hint })
      await untilClosed(context, endpoint, service)
    },
    access
  )
}

/** Runs a bridge until the command ends, and prints its local address. */
export async function bridge(context: Context, start: StartService): Promise<void> {
  await withEndpoint(context, async endpoint => {
    const service = await checkedByLibrary(start(endpoint, context.signal))
    const { address, port } = service
    await context.output.result(address, { event: 'ready', address, port })
    await untilClosed(context, endpoint, service)
  })
}

/** Waits until a command's service ends, and publishes it for `status`. */
async function untilClosed(context: Context, endpoint: Endpoint, service: RunningService): Promise<void> {
  const name = context.args.text('service') ?? context.name
  await whilePublished(
    context,
    published(endpoint, () => [{ name, kind: context.name, service }]),
    () => service.closed
  )
}
