// Answers with a SavedModel through tensorflow::LoadSavedModel, the call that TensorFlow Serving
// makes: loader FOLDER SIGNATURE IMAGE...
//
// Prints a line per output: name, shape, and its values, or sizes of strings.
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "tensorflow/cc/saved_model/loader.h"
#include "tensorflow/core/framework/tensor.h"

using tensorflow::Tensor;

// Encoded images as a batch of strings; of the other signature, grey pixels of two images.
Tensor Batch(const tensorflow::TensorInfo& info, int count, char** files) {
  if (info.dtype() != tensorflow::DT_STRING) {
    Tensor pixels(info.dtype(), {2, 50, 60, 3});
    for (int i = 0; i < pixels.NumElements(); ++i) {
      pixels.flat<tensorflow::uint8>()(i) = i / 3 % 251;
    }
    return pixels;
  }
  Tensor encoded(tensorflow::DT_STRING, {count});
  for (int i = 0; i < count; ++i) {
    std::ifstream file(files[i], std::ios::binary);
    encoded.flat<tensorflow::tstring>()(i) =
        std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return encoded;
}

void Print(const std::string& name, const Tensor& tensor) {
  std::cout << name << " " << tensor.shape().DebugString();
  for (int i = 0; i < tensor.NumElements(); ++i) {
    if (tensor.dtype() == tensorflow::DT_STRING) {
      const auto& text = tensor.flat<tensorflow::tstring>()(i);
      // Overlays are binary: their size will do.
      std::cout << " " << (text.size() > 30 ? std::to_string(text.size()) : std::string(text));
    } else {
      std::cout << " " << tensor.flat<float>()(i);
    }
  }
  std::cout << std::endl;
}

int main(int argc, char** argv) {
  std::cout.precision(9);
  tensorflow::SavedModelBundle bundle;
  auto status = tensorflow::LoadSavedModel({}, {}, argv[1], {"serve"}, &bundle);
  if (status.ok()) {
    const auto& signature = bundle.GetSignatures().at(argv[2]);
    const auto& input = signature.inputs().begin()->second;
    std::vector<std::string> names, tensors;
    for (const auto& [name, info] : signature.outputs()) {
      names.push_back(name);
      tensors.push_back(info.name());
    }
    std::vector<Tensor> outputs;
    status = bundle.GetSession()->Run({{input.name(), Batch(input, argc - 3, argv + 3)}}, tensors,
                                      {}, &outputs);
    for (size_t i = 0; i < outputs.size(); ++i) Print(names[i], outputs[i]);
  }
  if (!status.ok()) std::cerr << status.ToString() << std::endl;
  return status.ok() ? 0 : 1;
}
