"""A trained model as one ONNX file of the standard operators."""
