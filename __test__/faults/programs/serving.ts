import { openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Endpoint, FastnNetError, type Listener, type PeerStream } from 'fastn-net'
import { readAll } from '../../helpers/pair.js'
import { answerOf, bodyOf, bulkOf, Chat, digest, Numbered, NumberedExtra } from '../support/numbered.js'

/**
 * Serves the requests of `load`, and records in the ledger: `seen` a number, received it `whole`, `corrupt`, or `failed` with a code.
 * A line is in the file before the answer is sent, so that a kill loses none.
 */
export function serve(endpoint: Endpoint, ledger: string, signal: AbortSignal): Listener {
  const file = openSync(ledger, 'a')
  const note = (what: string, number: string) => writeSync(file, `${what} ${number}\n`)

  const numbered = async (stream: PeerStream) => {
    const number = await stream.nextString()
    note('seen', number)
    const body = await readAll(stream)
    note(body.equals(bodyOf(number)) ? 'whole' : 'corrupt', number)
    await stream.finish(answerOf(number))
  }
  const chat = async (stream: PeerStream) => {
    for await (const number of stream.lines()) {
      note('seen', number)
      note('whole', number)
      await stream.write(`${number}\n`)
    }
  }
  const unread = async (stream: PeerStream, wait: number) => {
    const number = await stream.nextString()
    note('seen', number)
    await sleep(wait)
    const bytes = await readAll(stream)
    note(bytes.equals(bulkOf(number, bytes.length)) ? 'whole' : 'corrupt', number)
    await stream.finish(digest(bytes))
  }
  const bulk = async (stream: PeerStream, bytes: number) => {
    const number = await stream.nextString()
    note('seen', number)
    note('whole', number)
    await stream.finish(bulkOf(number, bytes))
  }
  return endpoint.listen(
    [
      [Numbered, numbered],
      [NumberedExtra, numbered],
      [Chat, chat]
    ],
    {
      signal,
      async fallback(stream) {
        const { Generic: asked } = stream.protocol as { Generic: { unread?: number; bulk?: number } }
        if (asked.unread !== undefined) await unread(stream, asked.unread)
        else if (asked.bulk !== undefined) await bulk(stream, asked.bulk)
        else throw new Error(`no program asks for ${JSON.stringify(asked)}`)
      },
      onError: error => note('failed', error instanceof FastnNetError ? error.code : String(error))
    }
  )
}
