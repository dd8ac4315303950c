import { IncomingMessage } from 'node:http'

const names = ['trailers', 'trailersDistinct'] as const
type Trailers = Record<string, string | string[] | undefined>

/**
 * Hides trailers of a request from its handler. Node sets `rawTrailers` when the body has arrived, and makes the other two of them and of
 * their number when they are first read: so the getters of the request let Node make both, then remove what is hidden.
 *
 * @param isHidden Whether a trailer of this name is hidden.
 */
export function hideTrailers(request: IncomingMessage, isHidden: (name: string) => boolean): void {
  const getters = names.map(name => Object.getOwnPropertyDescriptor(IncomingMessage.prototype, name)?.get)
  let raw = request.rawTrailers
  let isClean = true
  const clean = () => {
    if (isClean) return
    // Node's getters read `rawTrailers`, which must still be whole.
    isClean = true
    const parsed = getters.map(getter => (getter?.call(request) ?? {}) as Trailers)
    for (let at = raw.length - 2; at >= 0; at -= 2) {
      const name = raw[at] as string
      if (!isHidden(name)) continue
      for (const each of parsed) delete each[name.toLowerCase()]
      raw.splice(at, 2)
    }
  }
  Object.defineProperty(request, 'rawTrailers', {
    configurable: true,
    enumerable: true,
    get() {
      clean()
      return raw
    },
    set(value: string[]) {
      raw = value
      isClean = false
    }
  })
  for (const [at, name] of names.entries()) {
    const getter = getters[at]
    if (getter === undefined) continue
    Object.defineProperty(request, name, {
      configurable: true,
      enumerable: true,
      get() {
        // Before the end of the body there are none, and Node would keep that answer.
        if (!request.complete) return {}
        clean()
        return getter.call(request)
      }
    })
  }
}
