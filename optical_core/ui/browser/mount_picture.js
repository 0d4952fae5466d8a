export default mountPicture;
