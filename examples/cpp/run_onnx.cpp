// Finds the glints in a greyscale image with an exported model and the C++ API of ONNX Runtime.
//
//     build/cpp/run_onnx model.onnx eye.pgm
//
// Prints one line per LED: number, x and y in pixels of the image, predicted standard deviation, score. The image is a binary PGM
// file of 8 bits (`convert eye.png eye.pgm`). Since the graph takes images of any size, it is padded at the right and at the
// bottom to a multiple of 4 pixels, the greatest stride, by repeating its edge; scale it first if its eyes are much larger or
// smaller than those of the training. Takes a few milliseconds after loading.

#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

struct Image {
  int64_t width = 0, height = 0;
  std::vector<uint8_t> pixels;
};

static int64_t read_number(std::istream &file) {
  while (std::isspace(file.peek()) || file.peek() == '#') {
    if (file.peek() == '#') {
      std::string comment;
      std::getline(file, comment);
    } else {
      file.get();
    }
  }
  int64_t number = 0;
  if (!(file >> number)) throw std::runtime_error("not a PGM file: its header has no number where one belongs");
  return number;
}

static Image read_pgm(const char *path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(std::string("cannot be opened: ") + path);
  char magic[2] = {};
  file.read(magic, 2);
  if (magic[0] != 'P' || magic[1] != '5') throw std::runtime_error(std::string("not a binary PGM file (P5): ") + path);
  Image image;
  image.width = read_number(file);
  image.height = read_number(file);
  if (read_number(file) != 255) throw std::runtime_error("only PGM files of 8 bits are supported");
  if (image.width < 1 || image.height < 1 || image.width > 16384 || image.height > 16384)
    throw std::runtime_error("the sides of the image must be 1 to 16384 pixels");
  file.get();
  image.pixels.resize(image.width * image.height);
  if (!file.read(reinterpret_cast<char *>(image.pixels.data()), image.pixels.size()))
    throw std::runtime_error("the PGM file is truncated");
  return image;
}

static Image padded(const Image &image) {
  const int64_t stride = 4, least = 32;
  Image out;
  out.width = (std::max(image.width, least) + stride - 1) / stride * stride;
  out.height = (std::max(image.height, least) + stride - 1) / stride * stride;
  out.pixels.resize(out.width * out.height);
  for (int64_t y = 0; y < out.height; ++y)
    for (int64_t x = 0; x < out.width; ++x)
      out.pixels[y * out.width + x] =
          image.pixels[std::min(y, image.height - 1) * image.width + std::min(x, image.width - 1)];
  return out;
}

static void run(const char *model, const char *path) {
  const Image image = read_pgm(path);
  Image input = padded(image);

  Ort::Env environment(ORT_LOGGING_LEVEL_WARNING, "glints");
  Ort::SessionOptions options;
  options.SetIntraOpNumThreads(1);
  Ort::Session session(environment, model, options);
  Ort::AllocatorWithDefaultOptions allocator;
  const auto metadata = session.GetModelMetadata();
  const auto threshold_text = metadata.LookupCustomMetadataMapAllocated("threshold", allocator);
  if (!threshold_text) throw std::runtime_error("no threshold in the metadata: not a file of `glint-unet export`");
  const float threshold = std::strtof(threshold_text.get(), nullptr);

  const std::array<int64_t, 3> shape{1, input.height, input.width};
  const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  const Ort::Value images = Ort::Value::CreateTensor<uint8_t>(memory, input.pixels.data(), input.pixels.size(),
                                                              shape.data(), shape.size());
  const char *inputs[] = {"images"};
  const char *outputs[] = {"points", "scores", "sigmas"};
  const auto results = session.Run(Ort::RunOptions{nullptr}, inputs, &images, 1, outputs, 3);

  const float *points = results[0].GetTensorData<float>();
  const float *scores = results[1].GetTensorData<float>();
  const float *sigmas = results[2].GetTensorData<float>();
  const int64_t num_leds = results[1].GetTensorTypeAndShapeInfo().GetShape()[1];
  for (int64_t led = 0; led < num_leds; ++led) {
    const float x = points[2 * led], y = points[2 * led + 1];
    const bool is_inside = x >= -0.5f && y >= -0.5f && x <= image.width - 0.5f && y <= image.height - 0.5f;
    if (scores[led] >= threshold && is_inside)
      std::printf("%d %.3f %.3f +-%.3f px, %.2f\n", int(led + 1), x, y, sigmas[led], scores[led]);
    else
      std::printf("%d absent\n", int(led + 1));
  }
}

int main(int argc, char **argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: run_onnx model.onnx eye.pgm\n");
    return 2;
  }
  try {
    run(argv[1], argv[2]);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
