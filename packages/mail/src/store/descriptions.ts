import { MailError } from '../errors.js'
import type { IndexDb } from './index-db.js'

/** Increment it when the cached format changes, to drop older entries. */
const format = 1

/** Maximum cached text, in bytes. Ordinary ones have a few hundred. */
const maxTextBytes = 4096

/** IMAP descriptions of a message's header and parts, as binary strings. */
export interface Description {
  /** ENVELOPE. */
  readonly envelope?: string | undefined
  /** BODYSTRUCTURE. */
  readonly structure?: string | undefined
}

/** A cache of descriptions for messages in the index. Entries end with their message. */
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

  /** The cached description of a message. */
  get(mailbox: number, uid: number): Description {
    const sql = 'SELECT envelope, structure FROM descriptions WHERE mailbox = ? AND uid = ?'
    const row = this.#db.get<{ envelope: Uint8Array | null; structure: Uint8Array | null }>(sql, mailbox, uid)
    return { envelope: textOf(row?.envelope), structure: textOf(row?.structure) }
  }

  /** Caches descriptions by UID, except long ones and those of removed messages. No-op on a full or read-only disk. */
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
