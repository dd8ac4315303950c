import { MailError } from '../errors.js'
import type { IndexDb } from './index-db.js'

/** Raise it when the texts change that are kept: those of before are then dropped. */
const format = 1

/** Longest text that is kept, in bytes. Ordinary ones have a few hundred. */
const maxTextBytes = 4096

/** What IMAP tells of a message's header and parts, one character a byte. */
export interface Description {
  /** ENVELOPE. */
  readonly envelope?: string | undefined
  /** BODYSTRUCTURE. */
  readonly structure?: string | undefined
}

/** A cache of descriptions, for messages that the index has. It ends with the message. */
export class Descriptions {
  readonly #db: IndexDb

  constructor(db: IndexDb) {
    this.#db = db
    const kept = db.get<{ value: number }>("SELECT value FROM counters WHERE name = 'description_format'")?.value
    if (kept === format) return
    db.transaction(() => {
      db.run('DELETE FROM descriptions')
      db.run("INSERT OR REPLACE INTO counters VALUES ('description_format', ?)", format)
    })
  }

  /** What is kept of a message. */
  get(mailbox: number, uid: number): Description {
    const sql = 'SELECT envelope, structure FROM descriptions WHERE mailbox = ? AND uid = ?'
    const row = this.#db.get<{ envelope: Uint8Array | null; structure: Uint8Array | null }>(sql, mailbox, uid)
    return { envelope: textOf(row?.envelope), structure: textOf(row?.structure) }
  }

  /** Keeps descriptions by UID, unless they are long or their message is gone. A disk that is full or read-only keeps none. */
  keep(mailbox: number, described: ReadonlyMap<number, Description>): void {
    if (described.size === 0) return
    try {
      this.#db.lazyTransaction(() => {
        for (const [uid, { envelope, structure }] of described) {
          this.#db.run(
            `INSERT INTO descriptions (mailbox, uid, envelope, structure)
              SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM messages WHERE mailbox = ?1 AND uid = ?2)
              ON CONFLICT (mailbox, uid) DO UPDATE SET
                envelope = coalesce(excluded.envelope, envelope), structure = coalesce(excluded.structure, structure)`,
            mailbox,
            uid,
            bytesOf(envelope),
            bytesOf(structure)
          )
        }
      })
    } catch (error) {
      if (!(error instanceof MailError && error.code === 'ERR_STORAGE')) throw error
    }
  }
}

function textOf(bytes: Uint8Array | null | undefined): string | undefined {
  return bytes ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1') : undefined
}

function bytesOf(text: string | undefined): Uint8Array | null {
  return text === undefined || text.length > maxTextBytes ? null : Buffer.from(text, 'latin1')
}
