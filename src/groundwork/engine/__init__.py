"""The embedded model: one small sentence encoder in int8, on one thread, with its weights in the package.

`encoder` is the model itself, `batching` puts it behind an async door with a bounded queue. onnxruntime, numpy and tokenizers are
imported by these modules only, so that `import groundwork` stays light; nothing here touches the network.
"""
