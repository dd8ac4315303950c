import { join } from 'node:path'
import type { Deliveries, DeliveryRow } from './deliveries.js'
import type { MailboxState } from './mailbox-state.js'
import { hashOf, listMessages, type MessageFile, removeFile, syncFolder } from './maildir.js'
import type { MessageIndex } from './message-index.js'
import { newMessage } from './scan.js'

/**
 * Recovers pending deliveries after a crash. A message whose file was renamed is completed. Others are removed; their sender got no answer and
 * sends them again.
 */
export async function recover(
  index: MessageIndex,
  deliveries: Deliveries,
  mailboxNamed: (name: string) => MailboxState | undefined
): Promise<void> {
  const pending = deliveries.pending()
  for (const name of new Set(pending.map(row => row.mailbox))) {
    const mailbox = mailboxNamed(name)
    const files = mailbox ? await listMessages(mailbox.path) : new Map<string, MessageFile>()
    for (const row of pending.filter(row => row.mailbox === name)) {
      const file = files.get(row.base)
      if (mailbox && file) await finish(index, deliveries, mailbox, row, file)
      else index.transaction(() => deliveries.forget(row.hash))
      if (mailbox && !file) await removeFile(join(mailbox.path, 'tmp', row.base))
    }
  }
}

async function finish(
  index: MessageIndex,
  deliveries: Deliveries,
  mailbox: MailboxState,
  row: DeliveryRow,
  file: MessageFile
): Promise<void> {
  const message = await newMessage(mailbox.path, file, row.keywords)
  // The crash may have been between the rename and this sync.
  for (const folder of ['new', 'cur']) await syncFolder(join(mailbox.path, folder))
  index.transaction(() => {
    const uid = index.insert(mailbox.id, { ...message, received: row.received }, index.nextModseq(mailbox.id))
    deliveries.stored(row.hash, uid)
  })
}

/** Restores the IDs of deliveries from file names after the index was lost. */
export function rememberDeliveries(index: MessageIndex, deliveries: Deliveries, mailbox: MailboxState): void {
  const pageSize = 1000
  let after = 0
  for (;;) {
    const rows = index.page(mailbox.id, after, pageSize)
    index.transaction(() => {
      for (const row of rows) {
        const hash = hashOf(row.base)
        if (hash !== undefined) deliveries.remember(hash, mailbox.name, row, row.uid)
      }
    })
    if (rows.length < pageSize) return
    after = rows.at(-1)?.uid ?? after
  }
}
