# Reads the files made from the policy's keys with the standard library's own parsers and says as JSON what they hold.
# Arguments: "xml FILE…" | "plist FILE" | "schema SCHEMA" (documents on standard input, one JSON list).
import json, plistlib, sys
from xml.etree import ElementTree

def tree(element):
    return {"name": element.tag.rpartition("}")[2], "namespace": element.tag.rpartition("}")[0].lstrip("{"), "attributes": element.attrib,
            "text": (element.text or "").strip(), "children": [tree(child) for child in element]}

kind, *files = sys.argv[1:]
if kind == "xml":
    print(json.dumps([tree(ElementTree.parse(file).getroot()) for file in files]))
elif kind == "plist":
    with open(files[0], "rb") as file:
        print(json.dumps(plistlib.load(file)))
else:
    import jsonschema
    with open(files[0]) as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    print(json.dumps([validator.is_valid(document) for document in json.load(sys.stdin)]))
