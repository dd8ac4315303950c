// Checks of the changelog before a version is published.

/**
 * @param {string} version
 * @param {string} text Of CHANGELOG.md.
 * @returns {string[]} Faults of that version's section.
 */
export function changelogFindings(version, text) {
  const heading = new RegExp(`^## ${version.replaceAll('.', '\\.')}(?:, *(.*))?$`, 'm').exec(text)
  if (heading === null) return [`CHANGELOG.md has no section ${version}`]
  const [line, date] = heading
  return /^\d{4}-\d{2}-\d{2}$/.test(date ?? '')
    ? []
    : [`CHANGELOG.md has no date of ${version}: '${line}', and not '## ${version}, 2026-05-01'`]
}
