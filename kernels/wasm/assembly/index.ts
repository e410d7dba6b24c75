// Everything the module exports. One operation a file; the ABI is written down in ../README.md and typed in
// ../kernels.ts.

export { quantiseActivations, quantiseWide } from './quantise-activations';
export { repackQ4, repackQ8 } from './repack';
export { notFinite } from './not-finite';
export { matmulQ4, matmulQ4Wide } from './matmul-q4';
export { matmulQ8, matmulQ8Wide } from './matmul-q8';
export { matmulF16, matmulF32 } from './matmul-dense';
export { rowQ4, rowQ8, widenF16 } from './rows';
export { rmsNorm } from './rms-norm';
export { rotary } from './rotary';
export { add, addBias, multiply, softCap } from './elementwise';
export { gateGelu, gateSilu } from './gate';
export { attention } from './attention';
export { attentionMix, attentionScores } from './attention-apart';
export { kvAppend } from './kv-append';
export { kvDequantiseKeys, kvDequantiseValues, kvQuantise } from './kv-int8';
export { argmax, forbid, sumOfWeights, topK } from './choose';
