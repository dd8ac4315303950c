// Whether the bills of materials are valid: CycloneDX's own library reads them.
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { at } from '../util.mjs'
import { staged } from './stage.mjs'

/** @returns {AsyncGenerator<{ name: string, error: string | undefined }>} */
export async function* billCases() {
  const { Spec, Validation } = createRequire(at('__test__', 'release', 'package.json'))('@cyclonedx/cyclonedx-library')
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6)
  for (const name of readdirSync(staged)) {
    const error = await validator.validate(readFileSync(join(staged, name, 'sbom.cdx.json'), 'utf8'))
    yield { name: `the bill of materials of ${name} is valid`, error: error ? JSON.stringify(error) : undefined }
  }
}
