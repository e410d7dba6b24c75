"""Writes a GGUF with the same metadata and every tensor as F32, dequantised by the reference library (PyPI: gguf).

    dequantise_gguf.py IN.gguf OUT.gguf

llama.cpp rounds activations to int8 before it multiplies quantised weights, so its text on a quantised file may leave
ours at a near-tie. On the same weights in F32 it does not round: what it says of OUT is what exact arithmetic says of
IN, and that is what our decoder is held to (compare.mjs --exact).
"""
import sys

import gguf
import numpy as np

source, target = sys.argv[1:3]
reader = gguf.GGUFReader(source)
writer = gguf.GGUFWriter(target, reader.fields["general.architecture"].contents())
for name, field in reader.fields.items():
    if name.startswith("GGUF.") or name == "general.architecture":
        continue
    kind = field.types[0]
    if kind == gguf.GGUFValueType.ARRAY:
        writer.add_key_value(name, field.contents(), kind, field.types[1])
    else:
        writer.add_key_value(name, field.contents(), kind)
for tensor in reader.tensors:
    data = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
    writer.add_tensor(tensor.name, data.reshape([int(n) for n in reversed(tensor.shape)]))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
