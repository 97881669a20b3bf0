// Is the file a valid OpenRPC document? validate.mjs MODULES FILE. The meta-schema of OpenRPC refers to
// one of JSON Schema, which is another package.
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"

const [modules, file] = process.argv.slice(2)
const require = createRequire(modules + "/")
const { default: Ajv } = require("ajv")
const { $schema: _, ...published } = require("@open-rpc/meta-schema").default
const { $schema: __, ...jsonSchema } = require("@json-schema-tools/meta-schema").default
// It refers to the other with and without the slash at the end; Ajv knows it by one name.
const openrpc = JSON.parse(JSON.stringify(published).replaceAll(`"${jsonSchema.$id.slice(0, -1)}"`, `"${jsonSchema.$id}"`))

const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false })
ajv.addSchema(jsonSchema)
const validate = ajv.compile(openrpc)
if (!validate(JSON.parse(readFileSync(file)))) {
  for (const e of validate.errors) console.error(`${e.instancePath}: ${e.message} ${JSON.stringify(e.params)}`)
  process.exit(1)
}
